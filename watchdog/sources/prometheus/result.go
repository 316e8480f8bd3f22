package prometheus

import (
	"math"

	"github.com/prometheus/common/model"
)

// notAValue stands for a native histogram, which has no single value.
var notAValue = math.NaN()

func typeName(value model.Value) string {
	if value == nil {
		return "nothing"
	}
	return value.Type().String()
}

// hintFor says how to get a vector instead.
func hintFor(value model.Value) string {
	switch value.(type) {
	case model.Matrix:
		return "leave out the range in [brackets], or put last_over_time(...) around it"
	case *model.Scalar:
		return "a scalar has no labels to name a client; query the metric itself"
	default:
		return "query the metric itself"
	}
}
