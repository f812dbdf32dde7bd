//go:build linux

package bench

import (
	"fmt"
	"strings"
	"time"
)

// Workload is one line of work: a job, and who takes part beside the product.
type Workload struct {
	Name string
	job  Job
	cold bool // the server is started anew between what is missed and the coming back
	// peers are the contestants for which the work has a meaning.
	peers []string
}

// workloads are all of them, in the order of the table.
func workloads() []Workload {
	var list []Workload
	add := func(name string, job Job, peers ...string) {
		list = append(list, Workload{Name: name, job: job, peers: peers})
	}
	for _, n := range []int{1000, 5000} {
		for _, outstanding := range []int{64, 8, 1} {
			add(fmt.Sprintf("fanout-%d-%d", n, outstanding), Job{Kind: "fanout", Followers: n, Outstanding: outstanding, Entities: 100}, bareWS, socket, stream)
		}
	}
	add("fanout-10000-64", Job{Kind: "fanout", Followers: 10_000, Outstanding: 64, Entities: 100})
	add("latency-1000", Job{Kind: "latency", Followers: 1000, Outstanding: 1, Rate: 50, Entities: 100}, bareWS, socket, stream)
	for _, n := range []int{5000, 10_000} {
		add(fmt.Sprintf("idle-%d", n), Job{Kind: "idle", Followers: n}, bareWS, socket, stream)
	}
	for _, n := range []int{1000, 5000} {
		job := Job{Kind: "resume", Followers: n, Missed: 100, Outstanding: 50, Entities: 100}
		add(fmt.Sprintf("resume-%d", n), job, socket)
		add(fmt.Sprintf("resume-cold-%d", n), job)
		list[len(list)-1].cold = true
	}
	for _, n := range []int{1, 64} {
		job := Job{Kind: "acked", Writers: n, Outstanding: 1, Entities: 1000}
		add(fmt.Sprintf("acked-ws-%d", n), job, bareWS, socket, stream)
		job.HTTP = true
		add(fmt.Sprintf("acked-http-%d", n), job)
	}
	add("joins-1000", Job{Kind: "joins", Followers: 64, Entities: 1000, Outstanding: 50})
	add("topics-1000x10", Job{Kind: "topics", Topics: 1000, PerTopic: 10, Outstanding: 64, Entities: 10})
	for i := range list {
		j := &list[i].job
		j.Writers, j.For, j.Warm = max(1, j.Writers), 3*time.Second, 500*time.Millisecond
	}
	return list
}

// quickFollowers is how many a sanity run has of anything that there are many of.
const quickFollowers = 20

// quick makes of each workload one that takes an instant. Its totals are checked all
// the same; its times mean nothing.
func quick(list []Workload) []Workload {
	for i := range list {
		j := &list[i].job
		j.For, j.Warm = 60*time.Millisecond, 10*time.Millisecond
		j.Followers = min(j.Followers, quickFollowers)
		j.Topics = min(j.Topics, quickFollowers)
		j.Entities = min(j.Entities, quickFollowers)
		j.Missed = min(j.Missed, quickFollowers)
		j.Writers = min(j.Writers, quickFollowers)
	}
	return list
}

// only keeps the workloads that a word of the list begins.
func only(list []Workload, words []string) ([]Workload, error) {
	if len(words) == 0 {
		return list, nil
	}
	var kept []Workload
	used := make(map[string]bool)
	for _, w := range list {
		wanted := false
		for _, word := range words {
			if strings.HasPrefix(w.Name, word) {
				wanted, used[word] = true, true
			}
		}
		if wanted {
			kept = append(kept, w)
		}
	}
	for _, word := range words {
		if !used[word] {
			return nil, fmt.Errorf("no workload begins with %q; there are %s", word, names(list))
		}
	}
	return kept, nil
}

func names(list []Workload) string {
	var all []string
	for _, w := range list {
		all = append(all, w.Name)
	}
	return strings.Join(all, ", ")
}

// Names are those of all workloads.
func Names() []string {
	var all []string
	for _, w := range workloads() {
		all = append(all, w.Name)
	}
	return all
}
