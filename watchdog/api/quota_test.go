package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// quotaSeen keeps what a report may make.
type quotaSeen struct{ quota *feed.Quota }

func (q *quotaSeen) Submit(_ context.Context, r feed.Report) ([]feed.Refusal, error) {
	q.quota = r.Quota
	return []feed.Refusal{feed.OverQuota}, nil
}

func TestATokensQuotaGoesWithWhatItSends(t *testing.T) {
	for name, tt := range map[string]struct {
		feeds []string
		want  string
	}{
		"its feeds": {[]string{"consent", "other"}, "&{[consent other] 7}"},
		"all feeds": {[]string{AllFeeds}, "&{[] 7}"},
	} {
		t.Run(name, func(t *testing.T) {
			seen := &quotaSeen{}
			r := newRig(t, func(cfg *Config) {
				cfg.Ingest = seen
				cfg.Tokens = []Token{token(t, "feeder", pushSecret, []Role{RolePush}, tt.feeds).Bounded(7)}
			})
			const says = `token "feeder" have 7 clients or more, as many as its series_max`
			want(t, r.do("POST", heartbeatsPath, pushSecret, "consent a -", "Content-Type", "text/plain"), http.StatusForbidden, strings.ReplaceAll(says, `"`, `\"`))
			if got := fmt.Sprint(seen.quota); got != tt.want {
				t.Errorf("the report's quota is %s, want %s", got, tt.want)
			}
			seen.quota = nil
			want(t, r.do("GET", "/ping/"+pushSecret+"/consent/acme", "", ""), http.StatusForbidden, says)
			if got := fmt.Sprint(seen.quota); got != tt.want {
				t.Errorf("the ping's quota is %s, want %s", got, tt.want)
			}
		})
	}
	if tok := token(t, "feeder", pushSecret, []Role{RolePush}, []string{AllFeeds}).Bounded(0); tok.quota != nil {
		t.Error("no bound is one")
	}
}
