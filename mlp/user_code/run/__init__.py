"""Running other people's code: calls, the arrays it holds, and the gradients it leaves."""
