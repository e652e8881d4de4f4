"""The box's own lamp, as tillbackd lights it: files stand where the kernel's LEDs would be."""

from conftest import open_road, stop_well
from road.road import await_true


def test_lamp_tells_whether_there_is_a_link(tmp_path):
    leds = {name: tmp_path / name / "brightness" for name in ("green", "red")}
    for file in leds.values():
        file.parent.mkdir()
        file.write_text("")
    setting = f"lamp=green={tmp_path}/green,red={tmp_path}/red"
    with open_road(tmp_path / "road", appliance_settings=[setting]) as road:
        road.await_link()
        await_true(lambda: is_steady(leds["green"]), 30, "green")
        assert lit(leds["red"]) is False
        road.link.cut()
        await_true(lambda: not lit(leds["green"]), 30, "slow blinking")
        await_true(lambda: lit(leds["green"]), 30, "slow blinking")
        stop_well(road)
    assert not lit(leds["green"]) and not lit(leds["red"])


def lit(file):
    return file.read_text().startswith("255")


def is_steady(file):
    """Lit, and not written to for longer than any blinking takes."""
    before = file.stat().st_mtime_ns
    try:
        await_true(lambda: file.stat().st_mtime_ns != before, 0.6, "a blink")
    except TimeoutError:
        return lit(file)
    return False
