"""The demonstration city as files, and data folders into which they were imported."""

import shutil
from functools import cached_property
from pathlib import Path

import geopandas as gpd
import numpy as np

from bench.program import DATABASE, tianzhang
from farmland.demonstration.ground import Ground, make_ground
from farmland.demonstration.records import allocation_table, make_allocation, make_claims

_SEED = 2022


class City:
    """Everything is made in `folder`, once, when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rng = np.random.default_rng(_SEED)

    @cached_property
    def _ground(self) -> Ground:
        return make_ground(self._rng)

    def plots(self, count: int) -> Path:
        """A GeoPackage of that many plots with their units' codes, of neighbouring units as in a town's file."""
        path = self._folder / f"plots-{count}.gpkg"
        if not path.exists():
            plots = self._ground.plots
            if count > len(plots):
                raise ValueError(f"The demonstration city has {len(plots)} plots, not {count}")
            _write(plots.iloc[:count], path)
        return path

    @cached_property
    def units(self) -> Path:
        """A GeoPackage of all units of the city."""
        path = self._folder / "units.gpkg"
        _write(self._ground.units, path)
        return path

    @cached_property
    def with_units(self) -> Path:
        """A data folder with all units of the city and nothing else."""
        home = self._folder / "with-units"
        home.mkdir()
        tianzhang(home, "init")
        tianzhang(home, "import", "units", self.units)
        return home

    def with_claims(self, count: int) -> Path:
        """A data folder with all units, the target of 2022 and the earliest claims, with their history."""
        home = self.copy(self.with_units, f"with-{count}-claims")
        parts = make_allocation(self._ground, self._rng)
        allocation_table(parts).to_csv(self._folder / "targets.csv", index=False)
        claims = make_claims(self._ground, parts, self._rng)
        _write(claims.iloc[:count], self._folder / "claims.gpkg")
        for noun, file in (("targets", "targets.csv"), ("claims", "claims.gpkg")):
            tianzhang(home, "import", noun, self._folder / file)
        return home

    def copy(self, home: Path, name: str) -> Path:
        """The same records once more, in a data folder of another name; what was there before is gone."""
        return copied(home, self._folder / name)


def copied(home: Path, to: Path) -> Path:
    """The records of a data folder in another one, in place of what was there."""
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir()
    shutil.copy(home / DATABASE, to)
    return to


def _write(frame: gpd.GeoDataFrame, path: Path) -> None:
    frame.to_file(path, layer=path.stem, driver="GPKG", index=False)
