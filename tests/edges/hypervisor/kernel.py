"""A "kernel" of two sectors: real-mode code in Linux's boot format that writes a text to the serial port."""

from pathlib import Path

# What the code goes on with after the text: to halt, or to send back every byte that comes.
_HALT = bytes([0xF4, 0xEB, 0xFD])  # hlt; jmp to it
_RESET = bytes([0xB0, 0xFE, 0xE6, 0x64, 0xF4])  # mov al, 0xfe; out 0x64, al; hlt
_ECHO = bytes(
    [
        0xBA, 0xFD, 0x03,  # wait: mov dx, 0x3fd (line status)
        0xEC,              # in al, dx
        0xA8, 0x01,        # test al, 1 (a byte came)
        0x74, 0xF8,        # jz wait
        0xBA, 0xF8, 0x03,  # mov dx, 0x3f8
        0xEC,              # in al, dx
        0xEE,              # out dx, al
        0xEB, 0xF1,        # jmp wait
    ]
)  # fmt: skip


def write_kernel(path: Path, text: bytes, *, echo: bool = False, reset: bool = False) -> Path:
    """Writes a bzImage whose setup code sends `text` to COM1 and halts, echoes from then on, or resets."""
    # The code stands at offset 0x200 of the image and runs with DS = CS - 0x20, so offsets in the image
    # are offsets in DS.
    header_jump = b"\xeb\x66"  # jmp to 0x268, behind the boot header
    code = bytes(
        [
            0xBE, 0x90, 0x02,        # mov si, 0x290
            0xBA, 0xFD, 0x03,        # wait: mov dx, 0x3fd (line status)
            0xEC,                    # in al, dx
            0xA8, 0x20,              # test al, 0x20 (room for a byte)
            0x74, 0xF8,              # jz wait
            0xAC,                    # lodsb
            0x84, 0xC0,              # test al, al
            0x74, 0x06,              # jz end
            0xBA, 0xF8, 0x03,        # mov dx, 0x3f8
            0xEE,                    # out dx, al
            0xEB, 0xED,              # jmp wait
        ]
    )  # fmt: skip
    code += _RESET if reset else _ECHO if echo else _HALT
    image = bytearray(512 * 4)
    image[0x1F1] = 1  # one sector of setup code
    image[0x1FE:0x200] = b"\x55\xaa"
    image[0x200:0x202] = header_jump
    image[0x202:0x206] = b"HdrS"
    image[0x206:0x208] = b"\x02\x02"  # boot protocol 2.2
    image[0x211] = 0x01  # the protected-mode part is loaded high
    image[0x214:0x218] = (0x100000).to_bytes(4, "little")
    image[0x22C:0x230] = (0x37FFFFFF).to_bytes(4, "little")
    image[0x268 : 0x268 + len(code)] = code
    image[0x290 : 0x290 + len(text) + 1] = text + b"\0"
    path.write_bytes(image)
    return path
