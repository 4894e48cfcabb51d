"""Neural delay differential equations, x'(t) = f(x(t), x(t - tau_1), .., x(t - tau_k); theta)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from certdde.errors import ProblemError
from certdde.models.data.samples import Samples
from certdde.models.learned_delays import LearnedDelays
from certdde.models.mlp import MLPField
from certdde.solvers import History, Options, ddeint


@dataclass(frozen=True, slots=True)
class SolverSettings:
    """How a model is integrated.

    Attributes
    ----------
    method : str
        As in :func:`certdde.solvers.ddeint`.
    step : float or None
        Of a fixed-step method; None: from output time to output time.
    gradient : str
        ``autodiff``, ``checkpoint`` or ``adjoint``.
    rtol, atol : float
        Of an adaptive method.
    bound : float or None
        A sample whose state exceeds this is stopped; its states are NaN from there on, and leave the others alone.
    """

    method: str = "rk4"
    step: float | None = None
    gradient: str = "autodiff"
    rtol: float = 1e-6
    atol: float = 1e-8
    bound: float | None = None

    def options(self, parameters: Sequence[Tensor] = ()) -> Options:
        """Return the solver's options; ``parameters`` are what the history depends on."""
        return Options(
            step=self.step, gradient=self.gradient, bound=self.bound, parameters=tuple(parameters)
        )


class NeuralDDE(nn.Module):
    """x'(t) = f(t, x(t), x(t - tau_1), .., x(t - tau_k)) with learnt f, delays and, if wanted, initial function.

    Parameters
    ----------
    field : Module
        ``field(t, x, past)`` as the solver wants it; :class:`certdde.models.mlp.MLPField`, or any module.
    delays : LearnedDelays
        Without delays this is a neural ordinary differential equation.
    settings : SolverSettings
    initial : Module, optional
        ``initial(samples, index)`` returns the histories; see :mod:`certdde.models.initial`. None: they are given.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> model = NeuralDDE.of(1, [0.7], [8], generator, dtype=torch.float64)
    >>> model(torch.ones(5, 1, dtype=torch.float64), torch.linspace(0, 1, 11)).shape
    torch.Size([11, 5, 1])

    References
    ----------
    Zhu, Guo and Lin, Neural Delay Differential Equations, ICLR 2021.
    """

    def __init__(
        self,
        field: nn.Module,
        delays: LearnedDelays,
        settings: SolverSettings | None = None,
        initial: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.field, self.delays, self.initial = field, delays, initial
        self.settings = settings or SolverSettings()

    @classmethod
    def of(
        cls,
        dimension: int,
        delays: Sequence[float],
        hidden: Sequence[int],
        generator: torch.Generator,
        *,
        bounds: tuple[float, float] = (1e-3, float("inf")),
        learnable: bool = True,
        time: bool = False,
        activation: str = "tanh",
        bias: bool = True,
        settings: SolverSettings | None = None,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str | None = None,
    ) -> "NeuralDDE":
        """Make a model whose f is a multilayer perceptron.

        Parameters
        ----------
        dimension : int
            States n.
        delays : sequence of float
            The first values of the delays.
        hidden : sequence of int
            Sizes of the hidden layers.
        generator : torch.Generator
        bounds, learnable
            Of the delays, as in :class:`LearnedDelays`.
        time, activation, bias, dtype, device
            As in :class:`certdde.models.mlp.MLPField`.
        settings : SolverSettings
        """
        field = MLPField(
            dimension,
            len(delays),
            hidden,
            generator,
            time=time,
            activation=activation,
            bias=bias,
            dtype=dtype,
            device=device,
        )
        learned = LearnedDelays(delays, *bounds, learnable=learnable, dtype=dtype, device=device)
        return cls(field, learned, settings)

    def forward(
        self,
        history: Tensor | Callable[[Tensor], Tensor] | History,
        times: Float[Tensor, " times *samples"],
    ) -> Float[Tensor, "times *batch n"]:
        """Return the states at the times.

        Parameters
        ----------
        history : Tensor (*batch, n), callable or History
            As in :func:`certdde.solvers.ddeint`.
        times : Tensor, (T,) or (T, samples)
            Increasing, the first is the initial time; or each sample's own times >= 0, in any order, the initial one
            being 0.
        """
        if times.ndim == 1:
            return self._integrated(history, times)
        zero = times.new_zeros(1)
        union, place = torch.unique(torch.cat([zero, times.flatten()]), return_inverse=True)
        if float(union[0]) < 0:
            raise ProblemError("a time before 0", where="times", wanted="times >= 0")
        states = self._integrated(history, union)
        rows = place[1:].reshape(times.shape)
        return states[rows, torch.arange(times.shape[1], device=times.device)]

    def predict(self, samples: Samples, index: Tensor | None = None) -> Tensor:
        """Return the states (T, samples, n) of samples.

        ``index`` (samples,) are their places in the training data, where they belong to it: a constant learnt for each
        sample is found by it.
        """
        given = self.initial is None
        history = samples.history() if given else self.initial(samples, index)  # type: ignore[misc]
        states: Tensor = self(history, samples.times)
        return states

    def _integrated(self, history: object, times: Tensor) -> Tensor:
        learnt = () if self.initial is None else tuple(self.initial.parameters())
        s = self.settings
        return ddeint(
            self.field,
            history,  # type: ignore[arg-type]
            times,
            list(self.delays().unbind()),
            rtol=s.rtol,
            atol=s.atol,
            method=s.method,
            options=s.options(learnt if s.gradient == "adjoint" else ()),
        )
