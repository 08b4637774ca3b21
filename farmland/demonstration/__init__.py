"""The demonstration city: Shaodong on 26 April 2022, its published figures carried by made-up records."""

NOTE_ZH = (
    "演示数据：市界、25 个镇（乡、街道）和 580 个村（社区）的名称与代码以及公布的总数是真实的；市界以下的界线、地块、基期图斑、"
    "田长（以职务称呼）、任务分解、恢复申报和照片（画成的，图上写明“虚构”）都是虚构的。"
)
NOTE_EN = (
    "Demonstration: the city's outline, the names and codes of its 25 towns and 580 villages and the published totals are "
    "real; every border below the city, the plots, the baseline, the chiefs (named by office), the allocation, the "
    "claims and their photographs (drawn, and marked so) are made up."
)
