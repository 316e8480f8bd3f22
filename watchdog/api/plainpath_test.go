package api

import (
	"net/http"
	"testing"
)

// curl takes a redirect for a success: a heartbeat that was not taken is refused.
func TestAPathWithAnEmptyPartIsRefused(t *testing.T) {
	r := newRig(t)
	for _, path := range []string{"/ping//external-profiles/a", "//ping/" + pushSecret + "/external-profiles/a", "/ping/" + pushSecret + "/external-profiles/a/../b"} {
		want(t, r.do("GET", path, "", ""), http.StatusNotFound, "is a variable in it empty", "/ping/TOKEN/FEED/CLIENT")
	}
	want(t, r.do("POST", "//api/v1/heartbeats", pushSecret, `{"feed":"external-profiles","client":"a"}`), http.StatusNotFound, "end with a slash")
	want(t, r.do("GET", "/ping/"+pushSecret+"/external-profiles/a%2F..%2Fb", "", ""), http.StatusOK)
}
