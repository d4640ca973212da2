/* Joins two network namespaces by a TUN device in each, with a delay and a loss: a line of some length.
 *
 * tunrelay NAMESPACE DEVICE NAMESPACE DEVICE
 *
 * The devices come and go with this process; addresses are the caller's business. A line "DELAY LOSS" on standard
 * input (microseconds and per mille, of each way) takes effect at once and is said again on standard output. It
 * ends where standard input does. At most RING packets are under way in each direction, more are lost. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { RING = 8192, PACKET = 1600, BATCH = 64, FEW = 8, GRAIN = 50000 };

struct packet {
    int64_t due;
    int length;
    unsigned char bytes[PACKET];
};

struct way {
    int from, to;
    unsigned in, out;
    struct packet *ring;
};

static struct way ways[2];
static int64_t delay;
static int loss;

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int device(const char *netns, const char *name)
{
    char path[256];
    struct ifreq wish = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int space, tun;

    snprintf(path, sizeof path, "/run/netns/%s", netns);
    space = open(path, O_RDONLY);
    if (space < 0 || setns(space, CLONE_NEWNET)) {
        perror(path);
        exit(2);
    }
    close(space);
    strncpy(wish.ifr_name, name, IFNAMSIZ - 1);
    tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    if (tun < 0 || ioctl(tun, TUNSETIFF, &wish)) {
        perror("/dev/net/tun");
        exit(2);
    }
    return tun;
}

/* Returns how many were read. A full ring is not read: the device's own queue overflows then. */
static int take(struct way *w, int64_t time)
{
    int count = 0;
    for (; count < BATCH && w->in - w->out < RING; count++) {
        struct packet *p = &w->ring[w->in % RING];
        p->length = read(w->from, p->bytes, PACKET);
        if (p->length <= 0)
            break;
        p->due = time + delay;
        if (random() % 1000 >= loss)
            w->in++;
    }
    return count;
}

static int give(struct way *w, int64_t time)
{
    int count = 0;
    for (; w->out != w->in && w->ring[w->out % RING].due <= time; w->out++, count++) {
        struct packet *p = &w->ring[w->out % RING];
        if (write(w->to, p->bytes, p->length) < 0)
            continue; /* the far end is down: lost as on any line */
    }
    return count;
}

/* Returns 0 where standard input has ended. */
static int told(void)
{
    char line[64];
    int microseconds, per_mille;
    ssize_t length = read(0, line, sizeof line - 1);

    if (length <= 0)
        return 0;
    line[length] = 0;
    if (sscanf(line, "%d %d", &microseconds, &per_mille) == 2) {
        delay = microseconds * 1000LL;
        loss = per_mille;
        printf("%d %d\n", microseconds, per_mille);
        fflush(stdout);
    }
    return 1;
}

int main(int count, char **words)
{
    struct pollfd ends[3];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (count != 5)
        return 2;
    ways[0].from = ways[1].to = device(words[1], words[2]);
    ways[1].from = ways[0].to = device(words[3], words[4]);
    for (int i = 0; i < 2; i++)
        ways[i].ring = malloc(sizeof(struct packet) * RING);
    /* A line does not wait for a busy machine; where that is not allowed it does. */
    prctl(PR_SET_TIMERSLACK, 1000UL);
    sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1});
    puts("ready");
    fflush(stdout);
    for (;;) {
        int64_t time = now(), wait = 999999999;
        int busy = 0, many = 0;
        for (int i = 0; i < 2; i++)
            busy += give(&ways[i], time) + take(&ways[i], time);
        if (busy)
            continue; /* to ask the kernel what is ready costs more than to look */
        /* Where many are under way one looks again soon; to be woken by each new one would cost more. */
        for (int i = 0; i < 2; i++) {
            struct way *w = &ways[i];
            many += w->in - w->out;
            if (w->out != w->in && w->ring[w->out % RING].due - time < wait)
                wait = w->ring[w->out % RING].due - time;
        }
        if (many > FEW && wait > GRAIN)
            wait = GRAIN;
        for (int i = 0; i < 2; i++)
            ends[i] = (struct pollfd){.fd = ways[i].from, .events = many > FEW ? 0 : POLLIN};
        ends[2] = (struct pollfd){.fd = 0, .events = POLLIN};
        if (ppoll(ends, 3, &(struct timespec){0, wait < 0 ? 0 : wait}, NULL) < 0)
            return 1;
        if (ends[2].revents && !told())
            return 0;
    }
}
