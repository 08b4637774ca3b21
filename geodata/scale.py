"""How long a degree is on the CGCS2000 ellipsoid: the scale of a plot's own local plane."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geodata.area import ELLIPSOID


def metres_per_degree(latitude: Any) -> NDArray[np.float64]:
    """The metres in a degree of longitude and in a degree of latitude.

    Parameters
    ----------
    latitude : scalar or array of shape (...), degrees

    Returns
    -------
    array of shape (..., 2), eastward and northward: the radius of the parallel ``N cos B`` and the meridian's radius of
    curvature ``M`` (e.g. Torge & Müller, Geodesy, 4th ed., §4.1.3), per degree. Over a plot of a kilometre a difference of
    degrees times the scale at its middle is the distance to 1e-6.

    >>> metres_per_degree(27.26).round(1)
    array([ 99025.6, 110807.6])
    """
    sine = np.sin(np.radians(latitude))
    curved = 1 - ELLIPSOID.es * sine**2
    prime = ELLIPSOID.a / np.sqrt(curved)
    meridian = prime * (1 - ELLIPSOID.es) / curved
    return np.asarray(np.radians(np.stack([prime * np.cos(np.radians(latitude)), meridian], axis=-1)))


_HEADINGS = (
    ("北", "north"),
    ("东北", "north-east"),
    ("东", "east"),
    ("东南", "south-east"),
    ("南", "south"),
    ("西南", "south-west"),
    ("西", "west"),
    ("西北", "north-west"),
)


def heading(east: float, north: float) -> tuple[str, str]:
    """The nearest of eight directions of a shift, in Chinese and English.

    >>> heading(547.0, -369.0)
    ('东南', 'south-east')
    """
    return _HEADINGS[round(np.degrees(np.arctan2(east, north)) / 45) % 8]
