"""All situations and healthy kinds, by name."""
import failing_boxes  # noqa: F401  pylint: disable=unused-import
import failing_later  # noqa: F401  pylint: disable=unused-import
import failing_load  # noqa: F401  pylint: disable=unused-import
import failing_open  # noqa: F401  pylint: disable=unused-import
import notes  # noqa: F401  pylint: disable=unused-import
from base import OFTEN, SITUATIONS, points  # noqa: F401  pylint: disable=unused-import
from healthy import HEALTHY  # noqa: F401  pylint: disable=unused-import
