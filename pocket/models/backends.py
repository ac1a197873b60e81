"""Trained models for delayed columns (:mod:`pocket.models.delayed_columns`), loaded once per process."""

from __future__ import annotations

import functools
import hashlib
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pocket.base.arguments import Declarative
from pocket.base.typing import Float32s
from pocket.errors import ConfigError, UnknownNameError
from pocket.parameters.checksums import FileContent, content_of
from pocket.parameters.locations import local_path, project_path


@dataclass(frozen=True)
class Model(metaclass=Declarative):
    """Trained model in a file, called as ``model(features, params)``.

    Args:
        path: the file; a relative path is relative to the project. The fingerprint depends on its content.
    """

    path: str | Path

    @property
    def content(self) -> FileContent:
        """The file with its content.

        Raises:
            ConfigError: if it doesn't exist.
        """
        assert self.file
        return content_of(self._name)

    @property
    def file(self) -> Path:
        """The file.

        Raises:
            ConfigError: if it doesn't exist.
        """
        file = Path(local_path(self._name))
        if not file.is_file():
            raise ConfigError(f"model file {file} does not exist")
        return file

    @property
    def _name(self) -> str:
        name = str(self.path)
        return name if "://" in name else str(project_path(name))

    def __fingerprint__(self) -> str:
        """Return the digest of the file, independent of its path."""
        return hashlib.sha256(self.file.read_bytes()).hexdigest()


@dataclass(frozen=True)
class OnnxModel(Model):
    """Model in the ONNX format (https://onnx.ai), with one input of shape (n, n features) in single precision.

    Args:
        path: see :class:`Model`.
        output: name of the output to use; the first one by default.

    Raises:
        ConfigError: when it is evaluated, if the file isn't such a model or doesn't fit the features.
        UnknownNameError: likewise, if there is no such output.
    """

    output: str | None = None

    def __fingerprint__(self) -> Any:
        """Return the digest of the file and the name of the output."""
        return super().__fingerprint__(), self.output

    def __call__(self, features: Float32s, params: Any) -> Float32s:
        """Return the model's output for each row of features.

        Args:
            features: shape (n, n features).
            params: not used.

        Returns:
            Shape (n,) if the output is one number per row, otherwise the output's shape.
        """
        session = _onnx_session(self.content)
        outputs = [output.name for output in session.get_outputs()]
        if self.output is not None and self.output not in outputs:
            raise UnknownNameError("output", self.output, outputs, f"model {self.path}")
        try:
            (values,) = session.run([self.output or outputs[0]], {session.get_inputs()[0].name: features})
        except Exception as error:  # The exception types of onnxruntime derive from Exception directly.
            raise _does_not_fit(self.path, features, error) from None
        return np.asarray(values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values)


@dataclass(frozen=True)
class XGBoostModel(Model):
    """Boosted trees in a file of XGBoost's ``Booster.save_model`` (JSON or UBJ); all trees are used.

    Args:
        path: see :class:`Model`.

    Raises:
        ConfigError: when it is evaluated, if the file isn't such a model or doesn't fit the features.
    """

    def __call__(self, features: Float32s, params: Any) -> Float32s:
        """Return the model's output for each row of features.

        Args:
            features: shape (n, n features), in the order of the training; NaN means a missing value.
            params: not used.

        Returns:
            Sums over the trees, transformed by the objective of the training: shape (n,) or (n, n classes).
        """
        try:
            return np.asarray(_booster(self.content).inplace_predict(features))
        except ValueError as error:  # XGBoostError is a ValueError.
            raise _does_not_fit(self.path, features, error) from None


def _does_not_fit(path: str | Path, features: Float32s, error: Exception) -> ConfigError:
    reason = " ".join(str(error).split())[:200]
    return ConfigError(f"model {path} can't be evaluated with {features.shape[1]} features: {reason}")


# Sessions have one thread, since there is one worker process per core already.
@functools.lru_cache(maxsize=16)
def _onnx_session(content: FileContent) -> Any:
    file = Path(content.path)
    onnxruntime = _library("onnxruntime", file)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # The exception types of onnxruntime derive from Exception directly.
        raise ConfigError(f"{file} is no ONNX model: {' '.join(str(error).split())[:200]}") from None
    # The library takes a path, since a model's weights may be in files beside it, so the content is checked before and
    # after.
    content.read()
    if len(session.get_inputs()) != 1:
        raise ConfigError(f"{file} has {len(session.get_inputs())} inputs, a delayed column needs a model with one")
    return session


@functools.lru_cache(maxsize=16)
def _booster(content: FileContent) -> Any:
    file = Path(content.path)
    booster = _library("xgboost", file).Booster({"nthread": 1})
    try:
        booster.load_model(file)
    except ValueError as error:
        raise ConfigError(f"{file} is no XGBoost model: {' '.join(str(error).split())[:200]}") from None
    # The content is checked before and after loading, as for ONNX.
    content.read()
    return booster


def _library(name: str, file: Path) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise ConfigError(f"{file} needs {name}, which the extra 'ml' of this package installs") from None
