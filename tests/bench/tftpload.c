/* Loads a TFTP server as a room of netbooting ROMs does: readers at the same time, each from its own address.
 *
 * tftpload -s SERVER -p PORT -f NAME -r FILE -a ADDRESS [-A ADDRESSES] [-n READERS] [-t TRANSFERS] [-w WINDOW]
 *          [-d SECONDS] [-k ACKS]
 *
 * Reader i asks from ADDRESS + i, where all of 127/8 or an `ip route add local` makes that possible. Every byte is
 * compared with FILE. A reader that hears nothing for a second says its last word again, eight times at most; DATA
 * that it has already is acknowledged again, as loaders do. All ends after SECONDS; what did not arrive by then has
 * failed, and counts as SECONDS in the percentiles. One line of JSON on standard output.
 *
 * With -k the readers ask, acknowledge ACKS times (0: not even the answer; 1: once) and are silent from then on;
 * they stay, sockets open, until standard input ends. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { READ = 1, DATA = 3, ACK = 4, ERROR = 5, OACK = 6, BLKSIZE = 1408, DATAGRAM = 2048, BATCH = 64, TRIES = 8 };
static const double TIMER = 1.0, PACE = 0.0002;

struct reader {
    int fd, transfer, answered, blksize, window, unacknowledged, gap_told, tries, length;
    uint32_t next; /* the block that is due; on the wire its low 16 bits */
    size_t got;
    double began, heard;
    unsigned char last[600];
};

static struct sockaddr_in server = {.sin_family = AF_INET};
static const char *name = "";
static uint32_t first_address;
static int addresses, readers = 1, transfers, window = 1, silent_after = -1;
static double deadline = 60;
static const unsigned char *expected;
static size_t expected_size;

static struct reader *all;
static int epoll, started, active, done, failed, silent, corrupt, granted = 65536;
static uint64_t bytes;
static double *seconds, *firsts;
static int answers;
static char complaint[80];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static void say(struct reader *r)
{
    if (r->answered)
        send(r->fd, r->last, r->length, 0);
    else
        sendto(r->fd, r->last, r->length, 0, (struct sockaddr *)&server, sizeof server);
}

static void acknowledge(struct reader *r, uint32_t block)
{
    r->last[0] = 0;
    r->last[1] = ACK;
    r->last[2] = block >> 8;
    r->last[3] = block;
    r->length = 4;
    r->unacknowledged = 0;
    say(r);
}

static void word(struct reader *r, const char *text)
{
    int size = strlen(text) + 1;
    memcpy(r->last + r->length, text, size);
    r->length += size;
}

static void begin(struct reader *r)
{
    struct sockaddr_in own = {.sin_family = AF_INET};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = r};
    int room = 1 << 20;
    char number[12];

    memset(r, 0, sizeof *r);
    own.sin_addr.s_addr = htonl(first_address + (r - all) % addresses);
    r->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (r->fd < 0)
        die("socket");
    if (bind(r->fd, (struct sockaddr *)&own, sizeof own))
        die("bind");
    setsockopt(r->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, r->fd, &event))
        die("epoll_ctl");
    r->blksize = 512;
    r->window = 1;
    r->next = 1;
    r->last[1] = READ;
    r->length = 2;
    word(r, name);
    word(r, "octet");
    word(r, "tsize");
    word(r, "0");
    word(r, "blksize");
    snprintf(number, sizeof number, "%d", BLKSIZE);
    word(r, number);
    if (window > 1) {
        word(r, "windowsize");
        snprintf(number, sizeof number, "%d", window);
        word(r, number);
    }
    r->transfer = ++started;
    active++;
    r->began = r->heard = now();
    say(r);
}

static void end(struct reader *r, int whole)
{
    seconds[done + failed] = whole ? now() - r->began : deadline;
    if (whole) {
        done++;
        bytes += r->got;
    } else {
        failed++;
    }
    close(r->fd);
    r->fd = -1;
    active--;
    if (started < transfers)
        begin(r);
}

/* From now on nothing is heard here; the socket stays, so that no ICMP tells the server. */
static void fall_silent(struct reader *r)
{
    epoll_ctl(epoll, EPOLL_CTL_DEL, r->fd, NULL);
    r->fd = -1;
    silent++;
    active--;
}

static void agreed(struct reader *r, const char *option, const char *end_of_it)
{
    while (option < end_of_it) {
        const char *value = option + strlen(option) + 1;
        if (value >= end_of_it)
            return;
        if (!strcasecmp(option, "blksize"))
            r->blksize = atoi(value);
        else if (!strcasecmp(option, "windowsize"))
            r->window = atoi(value);
        option = value + strlen(value) + 1;
    }
}

static void block(struct reader *r, const unsigned char *packet, int length)
{
    uint16_t number = packet[2] << 8 | packet[3];
    int16_t ahead = number - (uint16_t)r->next;
    int size = length - 4;

    if (silent_after > 0) {
        fall_silent(r);
    } else if (ahead > 0) {
        if (!r->gap_told)
            acknowledge(r, r->next - 1);
        r->gap_told = 1;
    } else if (ahead < 0) {
        if (ahead == -1)
            acknowledge(r, number);
    } else {
        r->gap_told = 0;
        if (r->got + size > expected_size || memcmp(expected + r->got, packet + 4, size)) {
            corrupt++;
            end(r, 0);
            return;
        }
        r->got += size;
        r->next++;
        if (size < r->blksize) {
            acknowledge(r, number);
            corrupt += r->got != expected_size;
            end(r, r->got == expected_size);
        } else if (++r->unacknowledged >= r->window) {
            acknowledge(r, number);
        }
    }
}

static void received(struct reader *r, unsigned char *packet, int length, struct sockaddr_in *from)
{
    if (length < 4)
        return;
    if (!r->answered) {
        /* Connected to the port that answered first: from another one nothing is heard any more. */
        if (connect(r->fd, (struct sockaddr *)from, sizeof *from))
            return;
        r->answered = 1;
        firsts[answers++] = now() - r->began;
        packet[length] = 0;
        if (packet[1] == OACK)
            agreed(r, (char *)packet + 2, (char *)packet + length);
        if (packet[1] != ERROR && r->window < granted)
            granted = r->window;
    }
    r->heard = now();
    r->tries = 0;
    if (packet[1] == DATA) {
        block(r, packet, length);
    } else if (packet[1] == OACK && r->next == 1) {
        acknowledge(r, 0);
    } else if (packet[1] == ERROR) {
        int i = 0;
        for (packet[length] = 0; packet[4 + i] && i < (int)sizeof complaint - 1; i++)
            complaint[i] = packet[4 + i] < ' ' || packet[4 + i] > '~' || strchr("\"\\", packet[4 + i]) ? '?' : packet[4 + i];
        complaint[i] = 0;
        end(r, 0);
    }
}

static void hear(struct reader *r)
{
    static unsigned char packets[BATCH][DATAGRAM];
    static struct sockaddr_in from[BATCH];
    static struct iovec parts[BATCH];
    static struct mmsghdr messages[BATCH];
    int count = r->window > 1 ? BATCH : 1, transfer = r->transfer;

    for (int i = 0; i < count; i++) {
        parts[i] = (struct iovec){packets[i], DATAGRAM - 1};
        messages[i].msg_hdr = (struct msghdr){
            .msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &parts[i], .msg_iovlen = 1};
    }
    count = recvmmsg(r->fd, messages, count, 0, NULL);
    /* What follows the last block is not the next transfer's, though that may have the same descriptor. */
    for (int i = 0; i < count && r->fd >= 0 && r->transfer == transfer; i++)
        received(r, packets[i], messages[i].msg_len, &from[i]);
}

static void timers(double time)
{
    for (int i = 0; i < readers; i++) {
        struct reader *r = &all[i];
        if (r->fd < 0 || time - r->heard < TIMER)
            continue;
        r->heard = time;
        r->gap_told = 0;
        if (++r->tries > TRIES)
            end(r, 0);
        else
            say(r);
    }
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double share(const double *sorted, int count, double part)
{
    return count ? sorted[(int)(part * (count - 1) + 0.5)] : 0;
}

static void options(int count, char **words)
{
    int letter, file;
    struct stat about;

    while ((letter = getopt(count, words, "s:p:f:r:a:A:n:t:w:d:k:")) > 0) {
        switch (letter) {
        case 's': inet_pton(AF_INET, optarg, &server.sin_addr); break;
        case 'p': server.sin_port = htons(atoi(optarg)); break;
        case 'f': name = optarg; break;
        case 'r':
            file = open(optarg, O_RDONLY);
            if (file < 0 || fstat(file, &about))
                die(optarg);
            expected_size = about.st_size;
            expected = mmap(NULL, expected_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
            if (expected == MAP_FAILED)
                die(optarg);
            break;
        case 'a': first_address = ntohl(inet_addr(optarg)); break;
        case 'A': addresses = atoi(optarg); break;
        case 'n': readers = atoi(optarg); break;
        case 't': transfers = atoi(optarg); break;
        case 'w': window = atoi(optarg); break;
        case 'd': deadline = atof(optarg); break;
        case 'k': silent_after = atoi(optarg); break;
        default: exit(2);
        }
    }
    if (!expected || !first_address || readers < 1 || strlen(name) > 255) {
        fputs("tftpload: needs -s -p -f -r -a\n", stderr);
        exit(2);
    }
    if (transfers < readers)
        transfers = readers;
    if (addresses < 1)
        addresses = readers;
}

int main(int count, char **words)
{
    struct epoll_event events[256];
    double start, looked, time;
    struct rlimit files;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    options(count, words);
    files.rlim_cur = files.rlim_max = readers + 64;
    if (readers > 900 && setrlimit(RLIMIT_NOFILE, &files))
        die("setrlimit");
    all = calloc(readers, sizeof *all);
    seconds = calloc(transfers, sizeof *seconds);
    firsts = calloc(transfers, sizeof *firsts);
    epoll = epoll_create1(0);
    start = looked = now();
    for (int i = 0; i < readers; i++) {
        begin(&all[i]);
        if (silent_after == 0)
            fall_silent(&all[i]);
        if (silent_after >= 0)
            nanosleep(&(struct timespec){0, PACE * 1e9}, NULL);
    }
    while (active && now() - start < deadline) {
        int ready = epoll_wait(epoll, events, 256, 10);
        for (int i = 0; i < ready; i++)
            if (((struct reader *)events[i].data.ptr)->fd >= 0)
                hear(events[i].data.ptr);
        if ((time = now()) - looked > 0.01)
            timers(looked = time);
    }
    time = now() - start;
    while (done + failed + silent < transfers)
        seconds[done + failed++] = deadline;
    qsort(seconds, done + failed, sizeof *seconds, by_size);
    qsort(firsts, answers, sizeof *firsts, by_size);
    printf("{\"transfers\": %d, \"failures\": %d, \"silent\": %d, \"corrupt\": %d, \"bytes\": %llu, \"wall\": %.4f, "
           "\"p50\": %.4f, \"p95\": %.4f, \"p99\": %.4f, \"first\": %.4f, \"window\": %d, \"error\": \"%s\"}\n",
           transfers, failed, silent, corrupt, (unsigned long long)bytes, time, share(seconds, done + failed, 0.5),
           share(seconds, done + failed, 0.95), share(seconds, done + failed, 0.99), share(firsts, answers, 1),
           granted > 65535 ? 0 : granted, complaint);
    fflush(stdout);
    if (silent_after >= 0)
        poll(&(struct pollfd){.fd = 0, .events = POLLIN}, 1, deadline * 1000);
    return 0;
}
