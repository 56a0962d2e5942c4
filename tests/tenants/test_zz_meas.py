import time
from tests.tenants.test_races import *
from tests.accounts.conftest import *
from tests.accounts.conftest import _own_files
import apps.tenants.services as sv
import pytest
@pytest.mark.parametrize("n", [1,2,4,16])
def test_m(live_market, n, monkeypatch):
    monkeypatch.setattr(sv, "_BUILDERS", n)
    sent=[at_last_step(i, f"isp-{i}") for i in range(50)]
    t=time.monotonic()
    a=send_together(sent)
    print("BUILDERS", n, "50 at once", round(time.monotonic()-t,2), {s for s,_ in a})
    t=time.monotonic()
    c,k=at_last_step(99,"single"); t=time.monotonic(); send_together([(c,k)]); print("single", round(time.monotonic()-t,3))
