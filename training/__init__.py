"""Makes the trained heads and every card again from public data: ``python -m training``. No part of the package."""
