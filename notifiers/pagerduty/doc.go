// Package pagerduty wakes people through PagerDuty's Events API v2: an alert
// per page, under the incident's key + "/p<n>", for PagerDuty does not ring
// again for a repeated trigger.
//
// go-pagerduty is used for what it knows of the API, and not believed about
// outcomes: it drops the reasons of a 400, hides Retry-After and takes `200 {}`
// for success. So every call runs over a notifiers.Exchange, which bounds and
// records it, and an answer counts only if it says success under our own key.
package pagerduty
