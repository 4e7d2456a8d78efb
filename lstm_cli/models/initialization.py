"""Initial weights of a network."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

INPUT_WEIGHTS: dict[str, Callable[[Tensor], Tensor]] = {
    "xavier": nn.init.xavier_uniform_,  # Glorot & Bengio 2010
    "he": nn.init.kaiming_uniform_,  # He et al. 2015
    "orthogonal": nn.init.orthogonal_,  # Saxe et al. 2014
}


@torch.no_grad()
def initialize_weights(model: nn.Module, kind: str) -> None:
    """Initialize the weights; `kind` is xavier, he or orthogonal and applies to input weights.

    Recurrent weights are orthogonal, one square matrix per gate (Saxe et al. 2014), and biases are 0. Layers that start
    at zero keep their zeros.
    """
    draw = INPUT_WEIGHTS[kind]
    for module in model.modules():
        if isinstance(module, nn.LSTM):
            for name, weight in module.named_parameters():
                if name.startswith("bias"):
                    weight.zero_()
                    continue
                for gate in weight.chunk(
                    4
                ):  # one call per gate, because the gain depends on the matrix's shape
                    (nn.init.orthogonal_ if name.startswith("weight_hh") else draw)(gate)
        elif isinstance(module, nn.Linear) and module.weight.any():
            draw(module.weight)
            if module.bias is not None:
                module.bias.zero_()


@torch.no_grad()
def init_forget_gate_bias(model: nn.Module) -> None:
    """Set the bias of every forget gate to 1, so that cells keep their state at first (Jozefowicz et al. 2015)."""
    for module in model.modules():
        if isinstance(module, nn.LSTM):
            gates = slice(
                module.hidden_size, 2 * module.hidden_size
            )  # torch's order: input, forget, cell, output
            for name, bias in module.named_parameters():
                if name.startswith("bias"):  # torch adds both biases
                    bias[gates] = 1.0 if name.startswith("bias_ih") else 0.0
