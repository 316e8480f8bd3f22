package report

import (
	"encoding/json"
	"fmt"
	"io"
)

// JSON writes the report for programs, with every row of the ledger.
func (r *Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
