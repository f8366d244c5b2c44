"""Makes the deep model of ``packages/fairlead-models`` again from public data: ``python -m training.deep``. No part of any package."""
