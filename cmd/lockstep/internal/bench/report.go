//go:build linux

package bench

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"
)

// tolerated is how many cores other processes may keep busy before a round is
// doubted.
const tolerated = 0.3

// Report is what a run found.
type Report struct {
	Time     time.Time `json:"time"`
	CPUs     int       `json:"cpus"`
	Go       string    `json:"go"`
	Files    int       `json:"open_files"`
	Pinned   bool      `json:"pinned"`
	Quick    bool      `json:"quick,omitempty"`
	Rounds   int       `json:"rounds"`
	Raised   []string  `json:"raised"`
	Rows     []*Row    `json:"rows"`
	Faults   []string  `json:"faults,omitempty"`
	Warnings []string  `json:"warnings,omitempty"`
}

// Row is one figure of one contestant.
type Row struct {
	Workload   string    `json:"workload"`
	Contestant string    `json:"contestant"`
	Measure    string    `json:"measure"`
	Unit       string    `json:"unit"`
	Rounds     []float64 `json:"rounds"` // in the order they were measured
	Median     float64   `json:"median"`
	Min        float64   `json:"min"`
	Max        float64   `json:"max"`
	// Ratio is the product's figure divided by this one, the median over the rounds;
	// 0 for the product itself.
	Ratio float64 `json:"ratio,omitempty"`
}

func newReport(o Options) *Report {
	return &Report{Time: time.Now().UTC(), CPUs: len(cores()), Files: openFiles(), Go: runtime.Version(), Quick: o.Quick, Rounds: o.Rounds, Rows: []*Row{}}
}

func (r *Report) add(workload, who string, result Result) {
	if result.Fault != "" {
		r.Faults = append(r.Faults, fmt.Sprintf("%s: %s: %s", workload, who, result.Fault))
		return
	}
	if result.Foreign > tolerated && !r.Quick {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%s: %s: other processes kept %.1f cores busy meanwhile", workload, who, result.Foreign))
	}
	for _, m := range result.Measures {
		row := r.row(workload, who, m)
		row.Rounds = append(row.Rounds, m.Value)
		sorted := slices.Sorted(slices.Values(row.Rounds))
		row.Median, row.Min, row.Max = median(sorted), sorted[0], sorted[len(sorted)-1]
		if ours := r.find(workload, product, m.Name); ours != nil && who != product {
			row.Ratio = ratio(ours.Rounds, row.Rounds)
		}
	}
}

func (r *Report) find(workload, who, measure string) *Row {
	for _, row := range r.Rows {
		if row.Workload == workload && row.Contestant == who && row.Measure == measure {
			return row
		}
	}
	return nil
}

func (r *Report) row(workload, who string, m Measure) *Row {
	row := r.find(workload, who, m.Name)
	if row == nil {
		row = &Row{Workload: workload, Contestant: who, Measure: m.Name, Unit: m.Unit}
		r.Rows = append(r.Rows, row)
	}
	return row
}

func median(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// ratio is the median of the rounds' ratios.
func ratio(ours, theirs []float64) float64 {
	var all []float64
	for i := range min(len(ours), len(theirs)) {
		if theirs[i] != 0 {
			all = append(all, ours[i]/theirs[i])
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return median(all)
}

// Print writes the report as a table for people.
func (r *Report) Print(w io.Writer) error {
	for _, text := range r.Raised {
		fmt.Fprintf(w, "raised for the run: %s\n", text)
	}
	fmt.Fprintf(w, "raised for the run: open files of a process: %d\n", r.Files)
	fmt.Fprintf(w, "%d rounds, %d cores", r.Rounds, r.CPUs)
	if r.Pinned {
		fmt.Fprint(w, ", the server alone on one of them, the load on the rest")
	} else {
		fmt.Fprint(w, ", nothing pinned")
	}
	fmt.Fprintf(w, "; %d-byte payloads; %s\n\n", payloadBytes, r.Time.Format(time.DateTime))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "work\tfigure\tof\tmedian\tmin\tmax\tunit\tlockstep is")
	last := ""
	for _, row := range r.Rows {
		name := row.Workload
		if name == last {
			name = ""
		}
		last = row.Workload
		times := ""
		if row.Ratio != 0 && row.Measure != loadShare {
			times = fmt.Sprintf("%.2fx", row.Ratio)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", name, row.Measure, row.Contestant,
			figure(row.Median), figure(row.Min), figure(row.Max), row.Unit, times)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, text := range r.Warnings {
		fmt.Fprintf(w, "warning: %s\n", text)
	}
	for _, text := range r.Faults {
		fmt.Fprintf(w, "failed: %s\n", text)
	}
	return nil
}

// figure is a number with three digits that count, and its thousands apart.
func figure(v float64) string {
	if v < 100 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	text := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
