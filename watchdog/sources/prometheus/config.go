package prometheus

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/sources"
)

// ScrapeLagDefault is Prometheus' own default scrape interval.
const ScrapeLagDefault = time.Minute

// answerBytesMax bounds one answer: a million series with a few labels.
const answerBytesMax = 256 << 20

// Config is one Prometheus source.
type Config struct {
	Name       string           // unique among the sources
	URL        string           // where the API is, without /api/v1
	Query      string           // yields unix seconds of the last update's arrival per client
	EventQuery string           // the same labels, unix seconds of the last update's event time; "": none
	Mapping    sources.Mapping  // which labels name feed and client, and which are carried over
	Schedule   sources.Schedule // how often
	ScrapeLag  time.Duration    // how old a value may be; 0: ScrapeLagDefault
	LagMax     time.Duration    // of feed.Source; 0: ScrapeLag + 3 * interval + timeout
	SeriesMax  int              // values per query; 0: sources.SeriesMaxDefault
	Access     sources.Access   // credentials, authorities
	Now        func() time.Time // nil: time.Now
}

// withDefaults is c with its defaults, or everything that is wrong with it.
func (c Config) withDefaults() (Config, *url.URL, error) {
	address, urlErr := sources.ParseURL(c.URL)
	if urlErr == nil && address.RawQuery != "" {
		urlErr = fmt.Errorf("url %q has a query: give the address of Prometheus, and the expression as query", sources.ShowURL(address))
	}
	if urlErr == nil && strings.HasSuffix(strings.TrimRight(address.Path, "/"), "/api/v1") {
		urlErr = fmt.Errorf("url %q: leave out /api/v1", sources.ShowURL(address))
	}
	var mappingErr, scheduleErr, queryErr, lagErr error
	c.Mapping, mappingErr = c.Mapping.WithDefaults()
	c.Schedule, scheduleErr = c.Schedule.WithDefaults()
	if strings.TrimSpace(c.Query) == "" {
		queryErr = errors.New("query is missing")
	}
	if c.ScrapeLag == 0 {
		c.ScrapeLag = ScrapeLagDefault
	}
	if c.LagMax == 0 {
		c.LagMax = c.ScrapeLag + c.Schedule.LagMax()
	}
	if c.ScrapeLag < 0 || c.LagMax <= c.ScrapeLag+c.Schedule.Interval {
		lagErr = fmt.Errorf("lag_max %v must be more than scrape_lag %v and an interval together, or the source is always blind", c.LagMax, c.ScrapeLag)
	}
	if c.SeriesMax == 0 {
		c.SeriesMax = sources.SeriesMaxDefault
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, address, errors.Join(sources.CheckName(c.Name), urlErr, queryErr, mappingErr, scheduleErr, lagErr)
}

// source is how the engine knows it.
func (c *Config) source() feed.Source {
	return feed.Source{Name: c.Name, LagMax: c.LagMax, Feed: c.Mapping.Feed}
}
