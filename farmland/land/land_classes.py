"""Land classes (地类) as the third national land survey uses them (GB/T 21010-2017), and which of them are farmland."""

import numpy as np
from numpy.typing import NDArray

from geodata.problems import Kind, Problem

BAD_LAND_CLASS = Kind(
    "bad_land_class",
    "“{code}”不是三调地类编码（如 0101 水田、0201 果园；前面的 0 不可省略）。",
    "“{code}” is no land class of the third survey (such as 0101 paddy, 0201 orchard; keep the leading 0).",
)

LAND_CLASSES: dict[str, tuple[str, str]] = {
    "0101": ("水田", "paddy"),
    "0102": ("水浇地", "irrigated land"),
    "0103": ("旱地", "dry land"),
    "0201": ("果园", "orchard"),
    "0202": ("茶园", "tea garden"),
    "0203": ("橡胶园", "rubber plantation"),
    "0204": ("其他园地", "other garden land"),
    "0301": ("乔木林地", "forest"),
    "0302": ("竹林地", "bamboo"),
    "0303": ("红树林地", "mangrove"),
    "0304": ("森林沼泽", "forest swamp"),
    "0305": ("灌木林地", "shrubs"),
    "0306": ("灌丛沼泽", "shrub swamp"),
    "0307": ("其他林地", "other woodland"),
    "0401": ("天然牧草地", "natural pasture"),
    "0402": ("沼泽草地", "marsh grassland"),
    "0403": ("人工牧草地", "sown pasture"),
    "0404": ("其他草地", "other grassland"),
    "0508": ("物流仓储用地", "warehouse land"),
    "05H1": ("商业服务业设施用地", "commercial land"),
    "0601": ("工业用地", "industrial land"),
    "0602": ("采矿用地", "mining land"),
    "0603": ("盐田", "salt pan"),
    "0701": ("城镇住宅用地", "urban housing"),
    "0702": ("农村宅基地", "rural homestead"),
    "08H1": ("机关团体新闻出版用地", "offices"),
    "08H2": ("科教文卫用地", "schools and hospitals"),
    "0809": ("公用设施用地", "public utilities"),
    "0810": ("公园与绿地", "parks"),
    "09": ("特殊用地", "special land"),
    "1001": ("铁路用地", "railway"),
    "1002": ("轨道交通用地", "urban rail"),
    "1003": ("公路用地", "highway"),
    "1004": ("城镇村道路用地", "street"),
    "1005": ("交通服务场站用地", "transport station"),
    "1006": ("农村道路", "farm road"),
    "1007": ("机场用地", "airport"),
    "1008": ("港口码头用地", "port"),
    "1009": ("管道运输用地", "pipeline"),
    "1101": ("河流水面", "river"),
    "1102": ("湖泊水面", "lake"),
    "1103": ("水库水面", "reservoir"),
    "1104": ("坑塘水面", "pond"),
    "1105": ("沿海滩涂", "coastal flat"),
    "1106": ("内陆滩涂", "inland flat"),
    "1107": ("沟渠", "ditch"),
    "1108": ("沼泽地", "marsh"),
    "1109": ("水工建筑用地", "hydraulic works"),
    "1110": ("冰川及永久积雪", "glacier"),
    "1201": ("空闲地", "vacant land"),
    "1202": ("设施农用地", "farm facilities"),
    "1203": ("田坎", "field ridge"),
    "1204": ("盐碱地", "saline land"),
    "1205": ("沙地", "sand"),
    "1206": ("裸土地", "bare soil"),
    "1207": ("裸岩石砾地", "bare rock"),
    "201": ("城市", "city"),
    "202": ("建制镇", "town"),
    "203": ("村庄", "village"),
    "204": ("盐田及采矿用地", "salt pans and mines"),
    "205": ("特殊用地", "special land"),
    "201A": ("城市独立工业用地", "urban industrial site"),
    "202A": ("建制镇独立工业用地", "town industrial site"),
    "203A": ("村庄独立工业用地", "village industrial site"),
    "1104A": ("养殖坑塘", "fish pond"),
    "1107A": ("干渠", "main canal"),
    "0810A": ("广场用地", "square"),
}
_FIRST_LEVEL = {"01": ("耕地", "farmland"), "02": ("园地", "garden land"), "03": ("林地", "woodland"),
                "04": ("草地", "grassland"), "05": ("商服用地", "commercial land"), "06": ("工矿用地", "industry and mining"),
                "07": ("住宅用地", "housing"), "08": ("公共用地", "public land"), "10": ("交通运输用地", "transport"),
                "11": ("水域", "water"), "12": ("其他土地", "other land")}  # fmt: skip


def is_farmland(code: str) -> bool:
    """Only 01 (0101 paddy, 0102 irrigated, 0103 dry land) is farmland."""
    return code.startswith("01")


def farmland_codes() -> list[str]:
    """The codes that are farmland, for a condition in a query."""
    return ["01", *(code for code in LAND_CLASSES if is_farmland(code))]


def class_name(code: str, language: str = "zh") -> str:
    """The name of a class; a K behind the code says that farmland can be had back from it (可调整)."""
    names = LAND_CLASSES.get(code) or _FIRST_LEVEL.get(code)
    if names is None and code.endswith("K") and code[:-1] in LAND_CLASSES:
        zh, en = LAND_CLASSES[code[:-1]]
        names = (f"可调整{zh}", f"{en}, adjustable")
    return code if names is None else names[language == "en"]


def known(codes: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Which of the codes are land classes, shape (n,)."""
    valid = {*LAND_CLASSES, *_FIRST_LEVEL, *(f"{code}K" for code in LAND_CLASSES)}
    return np.fromiter((code in valid for code in codes), dtype=bool, count=len(codes))


def check_class(code: str) -> str:
    """The code, if it is a land class. Raises BAD_LAND_CLASS."""
    if not known(np.array([code], dtype=object))[0]:
        raise Problem(BAD_LAND_CLASS, code=code)
    return code
