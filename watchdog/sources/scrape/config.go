package scrape

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/prometheus/common/model"

	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/sources"
)

// pageBytesMax bounds one page of metrics, unpacked.
const pageBytesMax = 64 << 20

// Config is one scrape source.
type Config struct {
	Name        string           // unique among the sources
	URL         string           // of the page of metrics
	Metric      string           // gauge with unix seconds of the last update's arrival per client
	EventMetric string           // gauge with unix seconds of the last update's event time; "": none
	Mapping     sources.Mapping  // which labels name feed and client, and which are carried over
	Schedule    sources.Schedule // how often
	LagMax      time.Duration    // of feed.Source; 0: 3 * interval + timeout
	SeriesMax   int              // values per metric; 0: sources.SeriesMaxDefault
	Access      sources.Access   // credentials, authorities
	Now         func() time.Time // nil: time.Now
}

// withDefaults is c with its defaults, or everything that is wrong with it.
func (c Config) withDefaults() (Config, *url.URL, error) {
	address, urlErr := sources.ParseURL(c.URL)
	var mappingErr, scheduleErr, lagErr error
	c.Mapping, mappingErr = c.Mapping.WithDefaults()
	c.Schedule, scheduleErr = c.Schedule.WithDefaults()
	if c.LagMax == 0 {
		c.LagMax = c.Schedule.LagMax()
	}
	if c.LagMax <= c.Schedule.Interval {
		lagErr = fmt.Errorf("lag_max %v must be more than the interval, or the source is always blind", c.LagMax)
	}
	if c.SeriesMax == 0 {
		c.SeriesMax = sources.SeriesMaxDefault
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, address, errors.Join(sources.CheckName(c.Name), urlErr, c.checkMetrics(), mappingErr, scheduleErr, lagErr)
}

func (c *Config) checkMetrics() error {
	switch {
	case c.Metric == "":
		return errors.New("metric is missing")
	case !model.LegacyValidation.IsValidMetricName(c.Metric):
		return fmt.Errorf("metric %q is no metric's name; labels go into the mapping", c.Metric)
	case c.EventMetric != "" && !model.LegacyValidation.IsValidMetricName(c.EventMetric):
		return fmt.Errorf("event_metric %q is no metric's name", c.EventMetric)
	case c.EventMetric == c.Metric:
		return errors.New("metric and event_metric are the same: one is when updates arrived, the other when they were made")
	}
	return nil
}

// source is how the engine knows it.
func (c *Config) source() feed.Source {
	return feed.Source{Name: c.Name, LagMax: c.LagMax, Feed: c.Mapping.Feed}
}
