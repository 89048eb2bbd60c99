import re
from xml.etree import ElementTree

from hub.core.chart import HEIGHT, Plot, Point, decades, draw_pareto
from hub.core.ruler import Scale


def plot(**changes) -> Plot:
    known = {
        "x": decades([2.0, 300.0]),
        "y": Scale(50, 90),
        "x_title": "Size",
        "y_title": "Accuracy",
        "higher_is_better": True,
        "spoken": "Two <models>",
        "lines": ((61.2, "5-gram 61.2", True), (50, "chance 50", False)),
    }
    return Plot(**(known | changes))


def point(x: float, y: float, name: str = "tiny", **more) -> Point:
    return Point(x, y, y - 2, y + 2, name, f"{name}: {y}", f"/ns/{name}", **more)


def test_every_point_is_a_link_that_says_its_reading() -> None:
    drawn = draw_pareto(plot(), [point(2, 60, is_on_front=True), point(300, 55, "<b>&")])
    tree = ElementTree.fromstring(drawn)
    links = tree.findall(".//a")
    assert {(link.get("href"), link.get("aria-label")) for link in links} == {
        ("/ns/tiny", "tiny: 60"),
        ("/ns/<b>&", "<b>&: 55"),
    }
    assert tree.find("svg").get("aria-label") == "Two <models>"
    assert "style=" not in drawn


def test_what_scores_are_read_against_is_a_line_with_its_words() -> None:
    drawn = draw_pareto(plot(lines=((60, "5-gram 60", True), (50, "chance 50", False))), [point(2, 60)])
    assert drawn.count('<line class="refline') == 2
    assert "5-gram 60" in drawn
    assert "chance 50" in drawn


def test_better_is_up_whichever_way_the_metric_runs() -> None:
    assert plot().top(90) == 0
    assert plot().top(50) == HEIGHT
    turned = plot(higher_is_better=False)
    assert turned.top(50) == 0
    assert turned.top(90) == HEIGHT


def test_the_front_is_a_step_line_through_its_points_and_labels_do_not_collide() -> None:
    points = [point(2 * 1.01**n, 60 + n / 100, f"m{n}", is_on_front=True) for n in range(30)]
    drawn = draw_pareto(plot(), points)
    assert len(re.findall("plot-label", drawn)) == 1
    assert drawn.count('class="pt"') == 30
    line = re.search(r'class="front" vector-effect="non-scaling-stroke" d="([^"]+)"', drawn)
    assert line
    assert line[1].count("V") == 30
    assert line[1].endswith("H100")
    assert 'class="front"' not in draw_pareto(plot(), [point(3, 60)])


def test_scales_hold_whole_decades() -> None:
    assert decades([2.0, 300.0]) == Scale(1, 1000, "log")
    assert decades([10.0]) == Scale(10, 100, "log")
    assert decades([0.0]) == Scale(1, 10, "log")
