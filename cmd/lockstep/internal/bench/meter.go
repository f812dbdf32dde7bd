//go:build linux

package bench

import (
	"errors"
	"os"
	"time"
)

// meter reads the clocks of server, load and machine over a stretch of time.
type meter struct {
	pid                int
	began              time.Time
	server, load, busy time.Duration
}

// spent is what a stretch of time took.
type spent struct {
	wall    time.Duration
	server  time.Duration // CPU of the server
	load    time.Duration // CPU of this process
	foreign float64       // cores that other processes kept busy
}

func startMeter(pid int) (*meter, error) {
	m := &meter{pid: pid}
	var errs [3]error
	m.server, errs[0] = cpuTime(pid)
	m.load, errs[1] = cpuTime(os.Getpid())
	m.busy, errs[2] = busyTime()
	m.began = time.Now()
	return m, errors.Join(errs[:]...)
}

// stop says what has been spent since the start.
func (m *meter) stop() (spent, error) {
	wall := time.Since(m.began)
	after, err := startMeter(m.pid)
	if err != nil {
		return spent{}, err
	}
	s := spent{wall: wall, server: after.server - m.server, load: after.load - m.load}
	s.foreign = max(0, (after.busy-m.busy-s.server-s.load).Seconds()/wall.Seconds())
	return s, nil
}
