"""Systems: equations, problem files and the structure that the reduction uses."""

from certdde.systems.delay_system import DelaySystem

__all__ = ["DelaySystem"]
