import pytest, time
pytestmark = pytest.mark.docker
def test_first(platform, sign_up):
    t=time.monotonic()
    one = sign_up()
    print("signed", time.monotonic()-t)
    end = one.wait_end()
    print("ended", time.monotonic()-t)
    one.assert_deployed_once()
    for r in one.rows("SELECT key, extract(epoch from finished_at-started_at) FROM {schema}.operations_step order by position"): print(r)
    t=time.monotonic(); one.deploy(); one.wait_end(); print("redeploy", time.monotonic()-t)
    one.assert_deployed_once(2)
