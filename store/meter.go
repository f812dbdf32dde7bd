package store

// Meter counts a page against its budget. It takes the first event whatever its
// size, so that reading always goes on.
type Meter struct {
	Budget Budget
	events int
	bytes  int
}

// Take reports whether an event of so many bytes still fits, and counts it if so.
func (m *Meter) Take(bytes int) bool {
	if m.events > 0 {
		if m.Budget.Events > 0 && m.events >= m.Budget.Events {
			return false
		}
		if m.Budget.Bytes > 0 && m.bytes+bytes > m.Budget.Bytes {
			return false
		}
	}
	m.events++
	m.bytes += bytes
	return true
}

// Full reports whether the page has as many events as it may have: what comes next
// need not be looked at.
func (m *Meter) Full() bool {
	return m.events > 0 && (m.Budget.Events > 0 && m.events >= m.Budget.Events || m.Budget.Bytes > 0 && m.bytes >= m.Budget.Bytes)
}
