package api

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/feedwatch/feedwatch/watchdog"
)

// patience is far more than anything here takes.
const patience = time.Minute

// tab is a page in a headless Chromium.
type tab struct {
	t   *testing.T
	ctx context.Context
}

func openTab(t *testing.T, url string) tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(closeTab)
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		t.Fatalf("opening the page in Chromium (on Debian: apt install chromium): %v", err)
	}
	return tab{t, ctx}
}

// in is the same tab for a subtest.
func (b tab) in(t *testing.T) tab { return tab{t, b.ctx} }

// until waits for a condition in the page. A look that falls into a navigation
// fails, and the next one tells.
func (b tab) until(condition string) {
	b.t.Helper()
	var met bool
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if met, err = chromedp.Run(b.ctx, chromedp.Evaluate[bool](condition)); met && err == nil {
			return
		}
	}
	body, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText"))
	b.t.Fatalf("waiting for %s: %v; the page says\n%s", condition, err, body)
}

func (b tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// wantKept waits for what a person decides.
func wantKept(t *testing.T, r *rig, decision string) {
	t.Helper()
	select {
	case got := <-r.engine.acked:
		if got != decision {
			t.Errorf("kept %q, want %q", got, decision)
		}
	case <-time.After(patience):
		t.Error("the form was not sent")
	}
}

func TestThePageInABrowser(t *testing.T) {
	r := newRig(t, open)
	r.engine.acked = make(chan string, 1)
	address, stop := serving(t, r)
	page := openTab(t, "http://"+address+"/")

	t.Run("loads its own style under its own policy", func(t *testing.T) {
		page := page.in(t)
		page.until(`getComputedStyle(document.querySelector(".card")).borderLeftWidth === "6px"`)
	})
	t.Run("fits a phone", func(t *testing.T) {
		page := page.in(t)
		page.do(chromedp.EmulateViewport(320, 700))
		r.engine.publish(held())
		for _, path := range []string{"/feeds/external-profiles", "/incidents/" + openID, "/silences", "/"} {
			page.do(chromedp.Navigate("http://" + address + path))
			page.until(`[...document.querySelectorAll("details")].every((d) => (d.open = true)) && document.documentElement.scrollWidth <= window.innerWidth`)
			page.until(`[...document.querySelectorAll("input:not([type=hidden]), select")].every((field) => field.labels.length > 0)`)
		}
		r.engine.publish(silentFeed())
	})
	t.Run("renders itself again", func(t *testing.T) {
		page := page.in(t)
		well := silentFeed()
		well.Incidents = nil
		well.Feeds[1].Verdict = watchdog.Fresh
		page.until(`document.title.startsWith("(1) ")`)
		r.engine.publish(well)
		page.until(`document.querySelector("h1").textContent === "All 2 feeds are fresh"`)
		page.until(`document.getElementById("said").textContent === "All 2 feeds are fresh"`)
		page.until(`document.title === "feedwatch: All 2 feeds are fresh"`)
	})
	t.Run("keeps what a person is typing, and acknowledges", func(t *testing.T) {
		page := page.in(t)
		r.engine.publish(silentFeed())
		page.do(chromedp.Navigate("http://"+address+"/incidents/"+openID), chromedp.SendKeys(`input[name="by"]`, "kari"))
		acknowledged := silentFeed()
		acknowledged.Incidents[0].State = watchdog.StateAcknowledged
		r.engine.publish(acknowledged)
		page.until(`document.querySelector("#overall .tag").textContent === "acknowledged"`)
		page.do(chromedp.SendKeys(`input[name="token"]`, adminSecret))
		page.do(chromedp.Click(`form button`))
		wantKept(t, r, openID+" by kari for 4h0m0s")
		page.until(`document.readyState === "complete" && !document.querySelector('input[name="token"]')?.value`) // the page after it
	})
	t.Run("snoozes, and takes a name and a token once", func(t *testing.T) {
		page := page.in(t)
		r.engine.publish(silentFeed())
		page.do(chromedp.Navigate("http://"+address+"/incidents/"+openID), chromedp.SendKeys(`#ack input[name="by"]`, "kari"),
			chromedp.SendKeys(`#ack input[name="token"]`, adminSecret), chromedp.Click(`#snooze summary`), chromedp.Click(`#snooze button`))
		wantKept(t, r, "snooze "+openID+" by kari for 1h0m0s")
		page.until(`document.readyState === "complete" && !document.querySelector('#ack input[name="token"]')?.value`)
	})
	t.Run("silences, and ends a silence", func(t *testing.T) {
		page := page.in(t)
		r.engine.publish(held())
		page.do(chromedp.Navigate("http://"+address+"/incidents/"+openID), chromedp.Click(`a[href^="/silences?"]`))
		page.until(`document.querySelector('input[name="match"]')?.value === 'feed="external-profiles"'`)
		page.do(chromedp.SendKeys(`input[name="comment"]`, "moving"), chromedp.SendKeys(`#new input[name="by"]`, "kari"),
			chromedp.SendKeys(`#new input[name="token"]`, adminSecret), chromedp.Click(`#new button`))
		wantKept(t, r, `silence feed="external-profiles" by kari from 2025-11-24T00:05:00Z until 2025-11-24T02:05:00Z: moving`)
		page.until(`document.readyState === "complete" && location.search === ""`)
		page.do(chromedp.Click(`details:has(form[action="/silences/s-1"]) summary`), chromedp.SendKeys(`form[action="/silences/s-1"] input[name="by"]`, "bo"),
			chromedp.SendKeys(`form[action="/silences/s-1"] input[name="token"]`, adminSecret), chromedp.Click(`form[action="/silences/s-1"] button`))
		wantKept(t, r, "end s-1 by bo")
		page.until(`document.readyState === "complete" && !document.querySelector('form[action="/silences/s-1"] input[name="token"]')?.value`)
	})
	t.Run("says when it may be old", func(t *testing.T) {
		page := page.in(t)
		page.do(chromedp.Navigate("http://" + address + "/"))
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		page.until(`!document.getElementById("lost").hidden`)
		page.until(fmt.Sprintf(`document.getElementById("lost").textContent.endsWith(%q)`, "may be old: feedwatch cannot be reached."))
	})
}
