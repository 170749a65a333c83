"""A stride that backward leaves out is hidden at 1, and at the size of the windows, so others are tried as well."""

import pytest

from tests.user_code.test_kinds import examined

pytestmark = pytest.mark.usefixtures("verdict_alone")

# Of one image (height, width, channels); {} is how far apart backward puts its windows.
POOL = """
class MaxPool:
    def __init__(self, length, width, stride):
        self.length, self.width, self.stride = length, width, stride

    def windows(self, x):
        s = self.stride
        for i in range((x.shape[0] - self.length) // s + 1):
            for j in range((x.shape[1] - self.width) // s + 1):
                yield x[i * s : i * s + self.length, j * s : j * s + self.width], i, j

    def forward(self, x):
        h, w, c = x.shape
        self.x, s = x, self.stride
        y = np.zeros(((h - self.length) // s + 1, (w - self.width) // s + 1, c))
        for window, i, j in self.windows(x):
            y[i, j] = window.max(axis=(0, 1))
        return y

    def backward(self, dy):
        dx = np.zeros_like(self.x)
        for window, i, j in self.windows(self.x):
            a, b = i * {0}, j * {1}
            if a + self.length > len(dx) or b + self.width > dx.shape[1]:
                raise IndexError("outside")
            is_max = window == window.max(axis=(0, 1))
            dx[a : a + self.length, b : b + self.width] += is_max * dy[i, j]
        return dx
"""


LARGER = "checked with stride 3, length 2 and width 2; with stride 2 it is right"
SMALLER = "with stride 1, length 2 and width 2, which forward takes, MaxPool.backward raised IndexError"


@pytest.mark.parametrize(
    ("steps", "status", "words"),
    [
        (("self.stride", "self.stride"), "passed", ""),
        (("self.length", "self.width"), "wrong", LARGER),
        (("2", "2"), "wrong", LARGER),
        (("max(2, self.stride)",) * 2, "passed", SMALLER),
    ],
)
def test_a_stride_unlike_the_size_of_the_windows_is_tried_as_well(steps, status, words, tmp_path):
    result = examined(tmp_path, POOL.format(*steps))
    assert result.status == status, [str(fact) for fact in result.facts]
    assert words in "\n".join(fact.text for fact in result.facts)
    assert words or not result.facts
    assert all(fact.level == "warning" for fact in result.facts if status == "passed")


@pytest.mark.parametrize("where", ["__init__(self, length, width, stride)", "forward(self, x)"])
def test_strides_that_the_code_forbids_are_not_spoken_of(where, tmp_path):
    source = POOL.format("2", "2")
    held = "stride == length" if "length" in where else "self.stride == self.length"
    result = examined(tmp_path, source.replace(f"def {where}:", f"def {where}:\n        assert {held}"))
    assert (result.status, result.facts) == ("passed", ())


# What goes backward ends where the last window does, so it is as large as the input only if there is no rest.
TILES = """
class MeanPool:
    def __init__(self, kernel_size, stride):
        self.size, self.stride = kernel_size, stride

    def forward(self, x):
        tops, lefts = (range(0, side - self.size + 1, self.stride) for side in x.shape[2:])
        windows = [[x[:, :, i : i + self.size, j : j + self.size] for j in lefts] for i in tops]
        return np.array(windows).mean(axis=(4, 5)).transpose(2, 3, 0, 1)

    def backward(self, dy):
        sides = [(count - 1) * self.stride + self.size for count in dy.shape[2:]]
        dx = np.zeros((*dy.shape[:2], *sides))
        for i in range(dy.shape[2]):
            for j in range(dy.shape[3]):
                a, b = i * {step}, j * {step}
                part = dx[:, :, a : a + self.size, b : b + self.size]
                part += dy[:, :, i, j, None, None] / self.size**2
        return dx
"""


def test_windows_that_fit_without_a_rest_are_tried_whatever_the_stride(tmp_path):
    assert examined(tmp_path, TILES.format(step="self.stride")).status == "passed"
    assert examined(tmp_path, TILES.format(step="1")).status == "wrong"
