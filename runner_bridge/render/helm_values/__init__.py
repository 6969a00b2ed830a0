"""Values for the chart gitlab-runner: new ones, one file a runner, and a policy merged into those that exist."""

from runner_bridge.render.helm_values.merge import merge_values, runner_named_in, token_named_in
from runner_bridge.render.helm_values.new import render

__all__ = ["merge_values", "render", "runner_named_in", "token_named_in"]
