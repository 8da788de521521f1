// Package calendar knows what days are: public holidays, make-up working days, and seasons such as Ramadan. Calendars are named, come from CSV
// and iCalendar files, and some are brought along.
package calendar
