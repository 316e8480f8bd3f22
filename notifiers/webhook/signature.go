package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
)

// SignatureHeader carries the signature of a body.
const SignatureHeader = "X-Feedwatch-Signature"

// SignatureAgeMax is how old a signature may be before it counts as a replay.
const SignatureAgeMax = 5 * time.Minute

// ErrSignature says that a body is not from who it claims to be from.
var ErrSignature = errors.New("bad signature")

// Sign is the header's value for a body sent at a time.
func Sign(secret string, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",v1=" + hex.EncodeToString(digest(secret, t, body))
}

func digest(secret, t string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return mac.Sum(nil)
}

// Verify is for receivers written in Go: nil if header is the signature of body
// under secret, not older than SignatureAgeMax at now.
func Verify(secret, header string, body []byte, now time.Time) error {
	t, hexed, ok := strings.Cut(header, ",v1=")
	t, timed := strings.CutPrefix(t, "t=")
	seconds, err := strconv.ParseInt(t, 10, 64)
	given, hexErr := hex.DecodeString(hexed)
	if secret == "" || !ok || !timed || err != nil || hexErr != nil {
		return ErrSignature
	}
	if age := now.Sub(time.Unix(seconds, 0)); age.Abs() > SignatureAgeMax {
		return ErrSignature
	}
	if !hmac.Equal(given, digest(secret, t, body)) {
		return ErrSignature
	}
	return nil
}
