package badger

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lockstep-sync/lockstep/store"
)

var (
	damagePlaces = flag.Int("damage.places", 300, "how many places TestDamage spoils; fewer with -short")
	damageAll    = flag.Bool("damage.all", false, "TestDamage flips a bit of every byte of every file instead: hours")
	damageSeed   = flag.Uint64("damage.seed", 1, "seed of TestDamage")
)

// Damage runs in a child process, since a spoiled mapping can end a process. The
// child gets its work in these.
const (
	envDamageDir   = "LOCKSTEP_DAMAGE_DIR"
	envDamageCases = "LOCKSTEP_DAMAGE_CASES"
)

func asDamage(err error, damage **store.DamageError) bool { return errors.As(err, damage) }

// fault is one spoiled place.
type fault struct {
	image string // closed, or running: with write-ahead logs
	file  string
	how   string // flip, truncate, zero
	at    int64
	bit   byte
}

// TestDamage spoils a small store at seeded places in every file: each is harmless,
// repaired, or reported at open or at read; never served (P12).
func TestDamage_P12(t *testing.T) {
	if dir := os.Getenv(envDamageDir); dir != "" {
		damageChild(dir, os.Getenv(envDamageCases))
		return
	}
	places := *damagePlaces
	if testing.Short() {
		places = min(places, 12)
	}
	dir := t.TempDir()
	makeImages(t, dir)
	faults := drawFaults(t, dir, places)
	table := map[[3]string]int{} // file kind, fault, outcome
	totals := map[string]int{}
	for i, outcome := range runFaults(t, dir, len(faults)) {
		f := faults[i]
		if strings.HasPrefix(outcome, "WRONG") {
			t.Errorf("seed %d case %d: %s of %s/%s at %d: %s", *damageSeed, i, f.how, f.image, f.file, f.at, outcome)
		}
		word, _, _ := strings.Cut(outcome, ":")
		table[[3]string{f.image + " " + kindOf(f.file), f.how, word}]++
		totals[word]++
	}
	t.Logf("seed %d, %d places\n%s", *damageSeed, len(faults), drawTable(table))
	for _, must := range []string{"repaired", "reported at open"} {
		if totals[must] == 0 && !testing.Short() {
			t.Errorf("no fault was %s: the test proves little", must)
		}
	}
}

// makeImages lays two stores under dir: one that was closed, and one as a kill
// leaves it.
func makeImages(t *testing.T, dir string) {
	live := filepath.Join(dir, "live")
	opts := Options{Dir: live, Clock: smallClock, seams: seams{identify: anyOwner}}
	s := openAt(t, opts)
	fill(t, s)
	if err := copyDir(live, filepath.Join(dir, "running")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(live, filepath.Join(dir, "closed")); err != nil {
		t.Fatal(err)
	}
}

// drawFaults chooses the places: the same for the same seed.
func drawFaults(t testing.TB, dir string, n int) []fault {
	rng := rand.New(rand.NewPCG(*damageSeed, 0))
	files := map[string][]string{}
	for _, image := range []string{"closed", "running"} {
		for _, sub := range []string{"", badgerDir} {
			entries, err := os.ReadDir(filepath.Join(dir, image, sub))
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if info, err := e.Info(); err == nil && !e.IsDir() && info.Size() > 0 {
					files[image] = append(files[image], filepath.Join(sub, e.Name()))
				}
			}
		}
	}
	if *damageAll {
		return everyByte(t, dir, files)
	}
	var all []fault
	for range n {
		f := fault{image: []string{"closed", "running"}[rng.IntN(2)], how: []string{"flip", "truncate", "zero"}[rng.IntN(3)], bit: byte(rng.IntN(8))}
		f.file = files[f.image][rng.IntN(len(files[f.image]))]
		f.at = rng.Int64N(spoilable(t, filepath.Join(dir, f.image, f.file)))
		all = append(all, f)
	}
	return all
}

// everyByte is one flipped bit in each byte that is worth spoiling.
func everyByte(t testing.TB, dir string, files map[string][]string) []fault {
	var all []fault
	for _, image := range []string{"closed", "running"} {
		for _, file := range files[image] {
			for at := range spoilable(t, filepath.Join(dir, image, file)) {
				all = append(all, fault{image: image, file: file, how: "flip", at: at, bit: byte(at % 8)})
			}
		}
	}
	return all
}

// spoilable is how many bytes of a file are worth spoiling: not the sparse end.
func spoilable(t testing.TB, path string) int64 {
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	st, err := in.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return max(1, min(st.Size(), usedBytes(in, st.Size())+64))
}

// runFaults runs all cases in children and returns their outcomes. A child that
// dies is the outcome of the case it was at, and the next child goes on after it.
func runFaults(t *testing.T, dir string, n int) []string {
	var outcomes []string
	for len(outcomes) < n {
		cmd := exec.Command(os.Args[0], "-test.run=^TestDamage_P12$", fmt.Sprint("-damage.seed=", *damageSeed), fmt.Sprint("-damage.places=", n), fmt.Sprint("-damage.all=", *damageAll))
		cmd.Env = append(os.Environ(), envDamageDir+"="+dir, fmt.Sprintf("%s=%d,%d", envDamageCases, len(outcomes), n))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var stderr strings.Builder
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if outcome, ok := strings.CutPrefix(lines.Text(), "case "); ok {
				outcomes = append(outcomes, outcome)
			}
		}
		if err := cmd.Wait(); err != nil && len(outcomes) < n {
			outcomes = append(outcomes, fmt.Sprintf("WRONG: ended the process: %v\n%.600s", err, stderr.String()))
		}
	}
	return outcomes
}

func damageChild(dir, cases string) {
	var from, to int
	if _, err := fmt.Sscanf(cases, "%d,%d", &from, &to); err != nil {
		panic(err)
	}
	want := map[string]map[string]string{}
	for _, image := range []string{"closed", "running"} {
		scratch := filepath.Join(dir, fmt.Sprint("scratch-", os.Getpid()))
		s, err := openScratch(filepath.Join(dir, image), scratch, func(string) error { return nil })
		if err != nil {
			panic(err)
		}
		want[image] = dump(s)
		_ = s.Close()
		_ = os.RemoveAll(scratch)
	}
	faults := drawFaults(nil, dir, to)
	for i := from; i < to; i++ {
		fmt.Println("case", tryFault(dir, faults[i], want[faults[i].image]))
	}
}

func openScratch(image, scratch string, spoil func(dir string) error) (*Store, error) {
	_ = os.RemoveAll(scratch)
	if err := copyDir(image, scratch); err != nil {
		return nil, err
	}
	if err := spoil(scratch); err != nil {
		return nil, err
	}
	return Open(Options{Dir: scratch, Clock: smallClock, MinFree: -1, seams: seams{identify: anyOwner}})
}

// tryFault is the outcome of one fault.
func tryFault(dir string, f fault, want map[string]string) string {
	scratch := filepath.Join(dir, fmt.Sprint("scratch-", os.Getpid()))
	defer os.RemoveAll(scratch)
	var before string
	s, err := openScratch(filepath.Join(dir, f.image), scratch, func(string) error {
		path := filepath.Join(scratch, f.file)
		err := f.spoil(path)
		before = contents(path)
		return err
	})
	if err != nil {
		if !errors.Is(err, ErrLoss) && !errors.Is(err, ErrCopy) && !errors.Is(err, ErrNewer) {
			return "WRONG: open fails with " + err.Error()
		}
		if wrong := acceptLoss(scratch, want); wrong != "" {
			return "WRONG: accepting the loss: " + wrong
		}
		return "reported at open: " + strings.ReplaceAll(err.Error(), "\n", " ")
	}
	got := dump(s)
	reported, wrong := 0, []string(nil)
	for call, answer := range want {
		switch {
		case got[call] == "damaged":
			reported++
		case got[call] != answer:
			wrong = append(wrong, fmt.Sprintf("%s: %.200s; want %.200s", call, got[call], answer))
		}
	}
	if len(wrong) > 0 {
		_ = s.Close()
		return "WRONG: served " + strings.Join(wrong, " | ")
	}
	if reported > 0 {
		_ = s.Close()
		return "reported at read"
	}
	if outcome := goesOn(s); outcome != "" {
		return outcome
	}
	if contents(filepath.Join(scratch, f.file)) != before {
		return "repaired"
	}
	return "harmless"
}

// acceptLoss opens what is left: every epoch is new, every topic keeps the rules,
// no row is other than one that was written, and appends go on.
func acceptLoss(scratch string, want map[string]string) string {
	opts := Options{Dir: scratch, Clock: smallClock, MinFree: -1, AcceptLoss: true, AcceptCopy: true, seams: seams{identify: anyOwner}}
	s, err := Open(opts)
	if err != nil {
		return "it does not open: " + err.Error()
	}
	defer s.Close()
	report, err := s.Check(s.background())
	if err != nil || len(report.Damage) > 0 || len(report.Orphans) > 0 {
		return fmt.Sprintf("check found %v, %v, %v", report.Damage, report.Orphans, err)
	}
	got := dump(s)
	for call, answer := range got {
		if maps.Equal(got, want) {
			break // the refused opening had repaired it: nothing was lost
		}
		if strings.HasSuffix(call, " head") && answer == want[call] {
			return call + " is what it was, epoch included: " + answer
		}
	}
	s.opts.AcceptLoss, s.opts.AcceptCopy = false, false
	return goesOn(s)
}

// goesOn appends to every topic and restarts: the versions follow on.
func goesOn(s *Store) string {
	defer s.Close()
	for n := range fixtureTopics {
		c, err := row(s, fixtureTopic(n), "after", "damage")
		if err != nil {
			return "WRONG: cannot plan an append: " + err.Error()
		}
		if _, err := s.Append(s.background(), fixtureTopic(n), c); err != nil {
			return "WRONG: cannot append: " + err.Error()
		}
	}
	want := dump(s)
	if err := s.Close(); err != nil {
		return "WRONG: cannot close: " + err.Error()
	}
	again, err := Open(s.opts)
	if err != nil {
		return "WRONG: does not open again: " + err.Error()
	}
	defer again.Close()
	if got := dump(again); !maps.Equal(got, want) {
		return "WRONG: is different after opening again"
	}
	return ""
}

// spoil does the fault to a file.
func (f fault) spoil(path string) error {
	if f.how == "truncate" {
		return os.Truncate(path, f.at)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	if f.how == "zero" {
		st, err := file.Stat()
		if err != nil {
			return err
		}
		const page = 4096
		from := f.at / page * page
		_, err = file.WriteAt(make([]byte, min(page, st.Size()-from)), from)
		return err
	}
	one := make([]byte, 1)
	if _, err := file.ReadAt(one, f.at); err != nil {
		return nil //nolint:nilerr // past the end: nothing to flip
	}
	one[0] ^= 1 << f.bit
	_, err = file.WriteAt(one, f.at)
	return err
}

// contents is what the start of a file holds; empty when it is gone.
func contents(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return "gone"
	}
	return fmt.Sprint(len(b), string(b[:min(len(b), 1<<20)]))
}

// kindOf is the row of the table a file belongs to.
func kindOf(file string) string {
	if ext := filepath.Ext(file); ext != "" {
		return "*" + ext
	}
	return filepath.Base(file)
}

func drawTable(table map[[3]string]int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-24s %-9s %-18s %s\n", "file", "fault", "outcome", "places")
	for _, k := range slices.SortedFunc(maps.Keys(table), func(a, b [3]string) int {
		return strings.Compare(strings.Join(a[:], "\x00"), strings.Join(b[:], "\x00"))
	}) {
		fmt.Fprintf(&b, "%-24s %-9s %-18s %d\n", k[0], k[1], k[2], table[k])
	}
	return b.String()
}
