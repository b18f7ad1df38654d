"""Why did my event not arrive? Rule by rule: the pattern, the permission, the function.

`make why`, a notebook and the board show the same answers.
"""

from workshop.why.answers import RuleAnswer, why
from workshop.why.explanation import Explanation, Refusal, explain

__all__ = ["Explanation", "Refusal", "RuleAnswer", "explain", "why"]
