"""A progress map as a folium page in one self-contained file, which opens from a USB stick on a closed network."""

from html import escape

import folium
import geopandas as gpd
import numpy as np
import shapely

from geodata.sheet import COLOURS, SIGNS, Sheet, asset, code_svg, figure, percent

_COLOUR = "fill"  # beside the columns that are shown, whose titles are the reader's words
_SIMPLER = 0.0004
"""Degrees by which an outline may be off, some 40 m; half of that for the second layer."""


def draw_page(layers: list[gpd.GeoDataFrame], sheet: Sheet) -> str:
    """The page's text. Raises NOT_BUILT.

    `layers` have the columns code, name, warning, accepted_mu, evidenced_mu, target_mu, share and polygons in degrees; the
    first is shown, the others can be switched on.
    """
    page = folium.Map(tiles=None, zoom_control=True, control_scale=True, attributionControl=False, zoom_snap=0.25)
    page.default_js, page.default_css = [], []  # the libraries that it would fetch from other hosts
    west, south, east, north = layers[0].total_bounds
    page.fit_bounds([[south, west], [north, east]])
    for place, layer in enumerate(layers):
        _polygons(layer, sheet, place).add_to(page)
    _labels(layers[0]).add_to(page)
    if len(layers) > 1:
        folium.LayerControl(collapsed=False).add_to(page)
    root = page.get_root()
    script, style = asset("leaflet/leaflet.js").read_text("utf-8"), asset("leaflet/leaflet.css").read_text("utf-8")
    root.header.add_child(folium.Element(f"<title>{_shown(sheet.title)}</title>{_meta(sheet)}"))  # type: ignore[attr-defined]
    root.header.add_child(folium.Element(f"<style>{style}\n{_STYLE}</style><script>{script}</script>"))  # type: ignore[attr-defined]
    root.html.add_child(folium.Element(_beside(layers[0], sheet)))  # type: ignore[attr-defined]
    return root.render()


def _shown(text: str) -> str:
    """A text as markup that says it. folium takes all it is given for templates: a brace in a name would have code run."""
    return escape(text).replace("{", "&#123;")


def _polygons(layer: gpd.GeoDataFrame, sheet: Sheet, place: int) -> folium.GeoJson:
    outlines = np.asarray(layer.geometry.array, dtype=object)
    simple = shapely.coverage_simplify(outlines, _SIMPLER / (place + 1))
    titles = sheet.titles()
    # folium writes properties into the page as they are: names from a city's files are not to be markup.
    shown = gpd.GeoDataFrame(
        {
            _COLOUR: layer["warning"].map(COLOURS),
            titles[0]: [_shown(name) for name in layer["name"]],
            titles[1]: [figure(value) for value in layer["accepted_mu"]],
            titles[2]: [figure(value) for value in layer["evidenced_mu"]],
            titles[3]: [figure(value) for value in layer["target_mu"]],
            titles[4]: [percent(value) for value in layer["share"]],
            titles[5]: [sheet.warning(warning) for warning in layer["warning"]],
        },
        geometry=shapely.transform(simple, lambda points: points.round(5)),
        crs=4326,
    )
    return folium.GeoJson(
        shown,
        name=sheet.layer_names[place],
        style_function=lambda one, place=place: {
            "fillColor": one["properties"][_COLOUR],
            "color": "#ffffff",
            "weight": 1.5 - 0.7 * place,
            "fillOpacity": 0.75,
        },
        tooltip=folium.GeoJsonTooltip(list(titles)),
        popup=folium.GeoJsonPopup(list(titles)),
        show=place == 0,
    )


def _labels(layer: gpd.GeoDataFrame) -> folium.FeatureGroup:
    """Each unit's name with the sign of its warning: colour alone says nothing to the colour-blind."""
    group = folium.FeatureGroup(name="", control=False)
    points = shapely.point_on_surface(np.asarray(layer.geometry.array, dtype=object))
    for name, warning, point in zip(layer["name"], layer["warning"], points, strict=True):
        label = folium.DivIcon(
            icon_size=(0, 0), html=f'<span class="name">{SIGNS[warning]} {_shown(name)}</span>', class_name="label"
        )
        folium.Marker([point.y, point.x], icon=label, interactive=False).add_to(group)
    return group


def _beside(layer: gpd.GeoDataFrame, sheet: Sheet) -> str:
    """The title, the headline, the ranking, the note."""
    rows = layer.assign(order=layer["share"].fillna(-1)).sort_values("order", ascending=False, kind="stable")
    body = "".join(
        f"<tr><td>{_shown(row.name)}</td><td>{figure(row.accepted_mu)}</td><td>{figure(row.evidenced_mu)}</td>"
        f"<td>{figure(row.target_mu)}</td><td>{percent(row.share)}</td>"
        f'<td class="{row.warning}">{sheet.warning(row.warning)}</td></tr>'
        for row in rows.itertuples()
    )
    head = "".join(f"<th>{title}</th>" for title in sheet.titles())
    return (
        f'<div id="sheet"><h1>{_shown(sheet.title)}</h1><p class="headline">{_shown(sheet.headline)}</p>'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{_shown(sheet.note)}</p>"
        f'<p class="origin">{code_svg(sheet.code)}<span>{_shown(sheet.origin)}</span></p></div>'
    )


def _meta(sheet: Sheet) -> str:
    return f'<meta name="tianzhang-mark" content="{_shown(sheet.mark)}">'


_STYLE = """html,body{margin:0;height:100%;font-family:"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif}
.folium-map{position:absolute!important;left:0!important;top:0!important;width:60%!important;height:100%!important;
background:#f3f6f4}
#sheet{position:absolute;right:0;top:0;width:40%;height:100%;overflow:auto;box-sizing:border-box;padding:1.2rem;
background:#fff}
#sheet h1{font-size:1.35rem;margin:0 0 .5rem;color:#124d36}.headline{font-size:1.1rem;font-weight:600}
#sheet table{border-collapse:collapse;width:100%;font-size:.88rem}#sheet td,#sheet th{padding:.25rem .4rem;
border-bottom:1px solid #e3e8e5;text-align:right;white-space:nowrap}
#sheet td:first-child,#sheet th:first-child,#sheet td:last-child,#sheet th:last-child{text-align:left}
.origin{display:flex;align-items:center;gap:.8rem;font-size:.8rem;color:#44554b}.origin svg{width:7.5rem;flex:none}
.green{color:#1d7a43}.yellow{color:#8a6500}.red{color:#b32d2d}
.leaflet-control-scale-line+.leaflet-control-scale-line{display:none}
.label .name{position:absolute;transform:translate(-50%,-50%);white-space:nowrap;font-size:12px;color:#17301f;
text-shadow:0 0 3px #fff,0 0 3px #fff,0 0 3px #fff}
@media(max-width:800px){.folium-map{width:100%!important;height:55%!important}
#sheet{top:55%;width:100%;height:auto;overflow-x:auto}.label .name{font-size:10px}}"""
