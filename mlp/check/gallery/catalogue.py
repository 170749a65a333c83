"""The bugs of the gallery by name: what the page lists, and what the diagnosis is tested on."""

from mlp.check.gallery import bugs_of_activations, bugs_of_linear, bugs_of_losses
from mlp.check.gallery.bug import Bug

GALLERY: dict[str, Bug] = {
    bug.name: bug for bug in (*bugs_of_linear.BUGS, *bugs_of_activations.BUGS, *bugs_of_losses.BUGS)
}
