package plan

import (
	"fmt"
	"strings"
)

// Window is a half-open span of time, [Start, End), in Unix seconds. The zero Window is none.
type Window struct {
	StartUnix int64
	EndUnix   int64
}

// Choice is a window that the policy allows, and how it does.
type Choice struct {
	Window
	// SendAtUnix lies in the window, spread by CID and message so that a window does not stampede: by the ordinal of a CID that has one.
	SendAtUnix int64
	// NotAfterUnix is when the message must no longer be sent, should the gateway be late: where quiet hours or a day of rest begin, or
	// Until. It is never before the window's end.
	NotAfterUnix int64
	// OffsetSeconds is what local time is ahead of UTC by at the window's start.
	OffsetSeconds int32
	// Probability is the chance of any activity in the window.
	Probability float64
	// Engagement is the chance that a message sent in the window, at a moment spread evenly over it, earns engagement.
	Engagement float64
}

// Answer is when to send to one CID. Every CID has one: where there is no window, the Choice is zero but for the reasons.
type Answer struct {
	Choice
	// Zone is the zone that the window was chosen in, and ZoneFrom where that came from.
	Zone       *Zone
	ZoneFrom   ZoneFrom
	Evidence   Evidence
	ActiveDays uint32
	Decision   Decision
	Reasons    Reasons
	// Alternatives are further windows, best first, disjoint from the chosen one and from each other. The slice is overwritten by the next
	// call of Plan with the same Answer.
	Alternatives []Choice
}

// Found says whether there is a window.
func (a *Answer) Found() bool { return a.Reasons&NoWindow == 0 }

// Decision identifies what was decided for one CID and one message; receipts carry it back. It is a function of both, so the same question
// has the same decision.
type Decision struct {
	Message uint64 // the same for all CIDs of a message
	Subject uint64
}

// String returns the decision as 32 hexadecimal digits.
func (d Decision) String() string { return fmt.Sprintf("%016x%016x", d.Message, d.Subject) }

// Reasons is a set of reasons.
type Reasons uint16

const (
	// NoData: nothing is known of the CID's own activity.
	NoData Reasons = 1 << iota
	// UnknownZone: the CID's zone is not known, and the app's was used.
	UnknownZone
	// MovedFromQuiet: a better window lay in quiet hours, and this one is where the policy moved it to.
	MovedFromQuiet
	// Holiday: a holiday changed the answer: it moved the window, gave its day the weekend's rhythm, or left no window.
	Holiday
	// NoWindow: there is no window before Until. QuietHours and Holiday say what stood in the way, if something did.
	NoWindow
	// TransactionalNow: transactional messages are sent now.
	TransactionalNow
	// QuietHours left no window: the policy drops what falls into them, or they fill the whole time.
	QuietHours
	// ShiftedHours: the window lies on a day of a season whose hours are shifted, such as Ramadan.
	ShiftedHours
)

var reasonNames = [...]string{"no_data", "unknown_zone", "moved_from_quiet_hours", "holiday", "no_window", "transactional", "quiet_hours", "shifted_hours"}

// Names returns the names of the reasons, in the order of their bits.
func (r Reasons) Names() []string {
	var names []string
	for i, name := range reasonNames {
		if r&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// String returns the names of the reasons, separated by commas.
func (r Reasons) String() string { return strings.Join(r.Names(), ",") }
