"""Draws what an ESC/POS printer would print, from the bytes it was sent, and reads it back.

A printer of its own: it knows the commands from Epson's reference and nothing of our code. Bar codes
and text become dots on an image; zbar, an independent reader, looks only at that image.
"""

import qrcode
import zbar
from PIL import Image, ImageDraw, ImageFont

COLUMNS, CELL_W, CELL_H = 42, 12, 24  # font A of an 80 mm printer with 512 dots
WIDTH = COLUMNS * CELL_W + 8
MARGIN = 4
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"
PAGES = {0: "cp437", 2: "cp850", 16: "cp1252", 19: "cp858"}

# Bars and gaps of Code 128 (ISO/IEC 15417, table 1), value 0 to 106.
CODE_128 = (
    "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 "
    "122132 122231 113222 123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 "
    "321221 312212 322112 322211 212123 212321 232121 111323 131123 131321 112313 132113 132311 "
    "211313 231113 231311 112133 112331 132131 113123 113321 133121 313121 211331 231131 213113 "
    "213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 111422 "
    "121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 "
    "241112 134111 111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 "
    "412121 111143 111341 131141 114113 114311 411113 411311 113141 114131 311141 411131 211412 "
    "211214 211232 2331112"
).split()
START_B, STOP = 104, 106


class Paper:
    def __init__(self):
        self.image = Image.new("L", (WIDTH, 12000), 255)
        self.draw = ImageDraw.Draw(self.image)
        self.y = MARGIN
        self.cuts = 0
        self.drawer = []
        self.lines = []
        self.reset()

    def reset(self):
        self.page = "cp437"
        self.align, self.bold, self.scale, self.inverse = 0, False, (1, 1), False
        self.bar_height, self.bar_module, self.bar_text = 162, 3, 0
        self.qr_size, self.qr_level, self.qr_data = 3, "0", b""
        self.line = []

    # --- Text ------------------------------------------------------------------------------

    def end_line(self):
        """A line is as high as its highest character."""
        width = sum(CELL_W * scale[0] for _, _, scale, _ in self.line)
        height = CELL_H * max((scale[1] for _, _, scale, _ in self.line), default=1)
        assert width <= WIDTH, "a line is wider than the paper"
        x = self.left(width)
        for character, bold, (sx, sy), inverse in self.line:
            cell = Image.new("L", (CELL_W, CELL_H), 0 if inverse else 255)
            font = ImageFont.truetype(FONT, 20)
            pen = ImageDraw.Draw(cell)
            for dx in (0, 1) if bold else (0,):
                pen.text((dx, 0), character, fill=255 if inverse else 0, font=font)
            cell = cell.resize((CELL_W * sx, CELL_H * sy))
            self.image.paste(cell, (x, self.y + height - CELL_H * sy))
            x += CELL_W * sx
        self.lines.append("".join(character for character, *_ in self.line))
        self.line = []
        self.y += height + 6

    def left(self, width):
        room = WIDTH - 2 * MARGIN - width
        return MARGIN + (0 if self.align == 0 else room // 2 if self.align == 1 else room)

    # --- Codes and pictures ------------------------------------------------------------------

    def code128(self, data):
        assert data[:2] == b"{B", "only code set B is used"
        values = [START_B] + [byte - 32 for byte in data[2:].replace(b"{{", b"{")]
        values.append((values[0] + sum(i * v for i, v in enumerate(values))) % 103)
        modules = "".join(CODE_128[v] for v in values + [STOP])
        x = self.left(sum(map(int, modules)) * self.bar_module)
        assert x >= MARGIN, "the bar code is wider than the paper"
        for i, run in enumerate(modules):
            width = int(run) * self.bar_module
            if i % 2 == 0:
                self.draw.rectangle((x, self.y, x + width - 1, self.y + self.bar_height - 1), 0)
            x += width
        self.y += self.bar_height + 4
        if self.bar_text & 2:
            self.line = [(c, False, (1, 1), False) for c in data[2:].decode()]
            self.end_line()

    def qr(self):
        level = {"0": 1, "1": 0, "2": 3, "3": 2}[self.qr_level]
        code = qrcode.QRCode(error_correction=level, box_size=self.qr_size, border=4)
        code.add_data(self.qr_data)
        code.make()
        image = code.make_image().convert("L")
        self.image.paste(image, (self.left(image.width), self.y))
        self.y += image.height

    def raster(self, row_bytes, rows, bits):
        image = Image.frombytes("1", (row_bytes * 8, rows), bytes(b ^ 0xFF for b in bits))
        self.image.paste(image.convert("L"), (self.left(image.width), self.y))
        self.y += rows

    # --- Commands ----------------------------------------------------------------------------

    def feed(self, data):
        at = 0
        while at < len(data):
            at += self.take(data[at:])
        return self

    def take(self, d):
        if d[0] == 0x1B:
            return self.take_escape(d)
        if d[0] == 0x1D:
            return self.take_group(d)
        if d[0] == 0x10:
            assert d[1] == 4, "only status requests"
            return 3
        if d[0] == 0x0A:
            self.end_line()
        else:
            assert d[0] >= 0x20, f"byte {d[0]:#x} is no text and no command"
            self.line.append((d[:1].decode(self.page), self.bold, self.scale, self.inverse))
        return 1

    def take_escape(self, d):
        name = chr(d[1])
        if name == "@":
            self.reset()
            return 2
        if name == "p":
            self.drawer.append(d[2])
            return 5
        if name == "t":
            self.page = PAGES[d[2]]
        elif name == "a":
            self.align = d[2]
        elif name == "E":
            self.bold = bool(d[2])
        elif name == "d":
            for _ in range(d[2]):
                self.end_line()
        else:
            raise AssertionError(f"ESC {name} is unknown")
        return 3

    def take_group(self, d):
        name = chr(d[1])
        if name == "(" and d[2] == ord("k"):
            size = d[3] + 256 * d[4]
            self.take_qr(d[6], d[7 : 5 + size])
            return 5 + size
        if name == "k":
            assert d[2] == 73, "only Code 128"
            self.code128(d[4 : 4 + d[3]])
            return 4 + d[3]
        if name == "v":
            row_bytes, rows = d[4] + 256 * d[5], d[6] + 256 * d[7]
            self.raster(row_bytes, rows, d[8 : 8 + row_bytes * rows])
            return 8 + row_bytes * rows
        if name == "V":
            assert d[2] == 66
            self.cuts += 1
            return 4
        if name == "!":
            self.scale = ((d[2] >> 4) + 1, (d[2] & 7) + 1)
        elif name == "B":
            self.inverse = bool(d[2])
        elif name == "h":
            self.bar_height = d[2]
        elif name == "w":
            self.bar_module = d[2]
        elif name == "H":
            self.bar_text = d[2]
        elif name not in "ar":  # status
            raise AssertionError(f"GS {name} is unknown")
        return 3

    def take_qr(self, function, rest):
        if function == 67:
            self.qr_size = rest[0]
        elif function == 69:
            self.qr_level = chr(rest[0])
        elif function == 80:
            self.qr_data = rest[1:]
        elif function == 81:
            self.qr()

    # --- Looking -----------------------------------------------------------------------------

    def picture(self):
        return self.image.crop((0, 0, WIDTH, self.y + 2 * CELL_H))

    def codes(self):
        """What zbar sees: [("CODE128", "R0042-000001-7")], from the top."""
        picture = self.picture()
        seen = zbar.Image(picture.width, picture.height, "Y800", picture.tobytes())
        zbar.ImageScanner().scan(seen)
        found = [(min(y for _, y in s.location), str(s.type), s.data) for s in seen.symbols]
        return [(kind, data) for _, kind, data in sorted(found)]

    @property
    def text(self):
        return "\n".join(self.lines)
