"""Options of all fits of statistical models: what is fitted, with which values of its parameters."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import law

from pocket.errors import ConfigError, check_known
from pocket.io.store import store_path, verify_all
from pocket.statistics.parameter_options import (
    MINIMISERS,
    KnownParameters,
    check_options,
    joined_parameters,
    read_points,
    read_ranges,
    read_values,
)
from tasks.framework.base import load
from tasks.settings.options import dial, option
from tasks.statistics.card_files import MASS, Card
from tasks.statistics.datacards import MODEL, ModelTask, ProduceDatacards, no_model

if TYPE_CHECKING:
    from pocket.statistics import Model
    from pocket.statistics.analyses import Choice

#: folder in the store of what is made of cards, in the place of an analysis' name
CARDS = "cards"
#: reference of the analysis of tasks that need none
NO_ANALYSIS = law.NO_STR
#: number of points with toys by default, from 0 to this much above the largest asymptotic limit
POINTS, REACH = 13, 1.3


class FitOptions(ModelTask):
    """A task that fits a model, with values of its parameters from the command line."""

    card = option("datacard to fit instead of a model, or a=PATH,b=PATH", law.NO_STR)
    mass = option("value of $MASS in a card", MASS)
    keywords = option("values of $WORD in a card, e.g. ERA=2018", ())
    maps = option("scale factors of a card's signals, e.g. .*/ggH:r[1,0,5]", law.NO_STR)
    freeze = option("parameters to fix, e.g. btag_*,group:lumi", ())
    set = option("start values, also of Asimov data and toys, e.g. r=2", ())
    ranges = option("ranges of parameters, e.g. r=-5:5,norm_*=0:3", ())
    mask = option("regions without a part in the fit, e.g. sr_*", ())
    minimizer = option(f"what looks for minima first, {' or '.join(MINIMISERS)}", MINIMISERS[0])
    seed = option("seed of toys", 1)
    toys_of = option("model, or card, whose toys are fitted, with --data toys", law.NO_STR, "the fitted one")
    toys_per_branch = dial("number of toys per branch", 100, least=1)
    exclude_index = True

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        given = [name for name in ("model", "card") if params[name] != law.NO_STR]
        if len(given) > 1:
            raise ConfigError("expected one of --model and --card, not both of them")
        if not given:
            raise no_model(load(params), "--model or --card")
        has_card = given == ["card"]
        if has_card:
            card = cls.card_of(params)
            params["card"] = str(card)
            params["analysis"] = NO_ANALYSIS
            model = read_card(card)
        elif params["mass"] != MASS or params["keywords"] or params["maps"] != law.NO_STR:
            raise ConfigError("--mass, --keywords and --maps have no effect without --card")
        params = super().modify_param_values(params)
        check_known("minimiser", [params["minimizer"]], MINIMISERS, "--minimizer")
        where = "the card" if has_card else f"model {params['model']!r}"
        freeze, values, ranges = params["freeze"], read_values(params["set"]), read_ranges(params["ranges"])
        if freeze or values or ranges:
            from pocket.statistics.analyses import known_parameters

            known = known_parameters(model) if has_card else declared_parameters(params)
            check_options(known, freeze, values, ranges, where)
        if params["mask"]:
            from pocket.statistics.analyses import masked_regions

            masked_regions(params["mask"], cls.regions_of(params), where)
        if (other := params["toys_of"]) != law.NO_STR:
            others = {**params, given[0]: other}
            if has_card:
                check_files(cls.card_of(others), "--toys-of")
            check_known("region", cls.regions_of(params), cls.regions_of(others), f"--toys-of {other}")
        return params

    @classmethod
    def regions_of(cls, params: Mapping[str, Any]) -> list[str]:
        """Return the regions of the model, or of the card, that options name."""
        if params["card"] != law.NO_STR:
            return [region.name for region in read_card(cls.card_of(params)).regions]
        return [name for part in load(params).parts_of(params["model"]).values() for name in part.regions]

    @staticmethod
    def card_of(params: Mapping[str, Any]) -> Card:
        maps = "" if params["maps"] == law.NO_STR else params["maps"]
        return Card.of(params["card"], params["mass"], params["keywords"], maps)

    @classmethod
    def keep_names(cls, given: Mapping[str, Any]) -> None:
        """Write the names of the analysis for completion in the shell; a card needs no analysis."""
        if given.get("card", law.NO_STR) == law.NO_STR:
            super().keep_names(given)

    def choice(self, **others: Any) -> Choice:
        """Return what is fitted; ``others`` are further arguments."""
        from pocket.statistics.analyses import Choice

        return Choice(
            freeze=tuple(self.freeze),
            values=read_values(self.set),
            ranges=read_ranges(self.ranges),
            mask=tuple(self.mask),
            minimiser=self.minimizer,
            seed=self.seed,
            **others,
        )

    @property
    def the_card(self) -> Card | None:
        """The card or cards that are fitted, ``None`` for a model of the analysis."""
        return self.card_of(self.param_kwargs) if self.card != law.NO_STR else None

    @property
    def config_part(self) -> str:
        return f"card_{self.the_card.name}" if self.the_card else str(self.model)

    @cached_property
    def directory(self) -> Path:
        if self.the_card is None:
            return super().directory
        return store_path(CARDS, self.task_family, self.config_part, self.version_part, self.fingerprint)

    @property
    def datacards(self) -> ProduceDatacards | None:
        """The task that makes the model, ``None`` if a card is fitted."""
        return ProduceDatacards.req(self) if self.card == law.NO_STR else None

    @property
    def source(self) -> Path | Card:
        """The file of the model, or the card."""
        return self.the_card or ProduceDatacards.req(self).directory / MODEL

    @property
    def toys_source(self) -> Path | Card | None:
        """The file of the model, or the card, whose toys are fitted; ``None`` if that is the fitted one."""
        if self.toys_of == law.NO_STR:
            return None
        if self.the_card:
            return self.card_of({**self.param_kwargs, "card": self.toys_of})
        return self.model_tasks["toys of"].directory / MODEL

    @property
    def model_tasks(self) -> dict[str, ProduceDatacards]:
        """The tasks that make the models, by their labels among inputs."""
        if self.datacards is None:
            return {}
        others = {} if self.toys_of == law.NO_STR else {"toys of": ProduceDatacards.req(self, model=self.toys_of)}
        return {"model": self.datacards, **others}

    @property
    def options_spec(self) -> dict[str, Any]:
        of = self.toys_source
        thrown = card_digest(of) if isinstance(of, Card) else self.model_tasks["toys of"].fingerprint if of else None
        return {
            **({"toys_of": thrown} if thrown else {}),
            "model": card_digest(self.the_card) if self.the_card else ProduceDatacards.req(self).fingerprint,
            "freeze": tuple(self.freeze),
            "set": read_values(self.set),
            "ranges": read_ranges(self.ranges),
            "mask": sorted(self.mask),
            "minimizer": self.minimizer,
            "seed": self.seed,
        }


class PointOptions(FitOptions):
    """A task that makes toys at points of a parameter of interest, or has results from them."""

    points = option("points with toys, e.g. r=0:5:11", law.NO_STR, f"{POINTS} from 0 to beyond the asymptotic limits")
    toys_per_point = option("number of toys at each point", 500, least=1)
    exclude_index = True

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        params = super().modify_param_values(params)
        if params["points"] != law.NO_STR:
            read_points(params["points"])
        return params


def read_model(source: Path | Card) -> Model:
    """Return the model of a task's output, which is verified, or of a card."""
    from pocket.statistics import load_model

    if isinstance(source, Card):
        return read_card(source)
    verify_all([source.parent])
    return load_model(source)


def check_files(card: Card, option: str) -> None:
    for path in card.paths.values():
        if not path.is_file():
            raise ConfigError(f"{option}: there is no file {path}")


@functools.lru_cache(maxsize=4)
def read_card(card: Card) -> Model:
    """Return the model of a card, or of several, read once in a process."""
    from pocket.statistics import read_datacards
    from pocket.statistics.cards.interest import split_maps

    check_files(card, "--card")
    return read_datacards(card.paths, mass=card.mass, maps=split_maps(card.maps), keywords=dict(card.keywords))


@functools.lru_cache(maxsize=4)
def card_digest(card: Card) -> str:
    """Return a checksum of the model of a card, wherever it is."""
    from pocket.statistics import save_model

    with TemporaryDirectory() as folder:
        save_model(read_card(card), Path(folder, MODEL))
        return hashlib.sha256(Path(folder, MODEL).read_bytes()).hexdigest()


def declared_parameters(params: Mapping[str, Any]) -> KnownParameters:
    """Return what is known of the parameters of a declared model before it is made."""
    from pocket.configuration.models import known_parameters

    analysis = load(params)
    parts = [known_parameters(model, analysis) for model in analysis.parts_of(params["model"]).values()]
    return joined_parameters(parts)
