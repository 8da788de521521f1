package calendar_test

import (
	"archive/tar"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"whowhen.dev/whowhen/serve/plan/calendar"
)

// data opens a file of the reference data beside the project, or skips.
func data(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Open("../../../../shared/data/" + name)
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("the reference data %s is not here", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func unzip(t *testing.T, f io.Reader) io.Reader {
	t.Helper()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func embedded(t *testing.T) (holidays, ramadan *calendar.Calendar) {
	t.Helper()
	all, err := calendar.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return all[0], all[1]
}

// own returns the days of a kind that a place has rows of its own for.
func own(c *calendar.Calendar, place string, kind calendar.Kind) map[string]bool {
	days := map[string]bool{}
	for _, r := range c.Rows() {
		for d := r.First; d <= r.Last; d++ {
			if r.Place == place && r.Kind == kind {
				days[d.String()] = true
			}
		}
	}
	return days
}

func TestEveryCountryHasEveryYear(t *testing.T) {
	holidays, _ := embedded(t)
	for _, place := range []string{"AE", "BR", "CN", "DE", "GB", "ID", "IN", "JP", "MX", "SA", "TH", "US", "VN"} {
		days := own(holidays, place, calendar.Holiday)
		for _, year := range []string{"2025", "2026", "2027", "2028"} {
			n := 0
			for d := range days {
				if strings.HasPrefix(d, year) {
					n++
				}
			}
			if n < 7 || n > 40 {
				t.Errorf("%s has %d holidays in %s", place, n, year)
			}
		}
	}
}

// observed are words in the reference's names of days that are no public holidays of the whole country.
var observed = map[string][]string{
	"BR": {"Ash Wednesday", "Public Servant", "Christmas Eve", "New Year's Eve"},
	"JP": {"Bank Holiday"},
	"TH": {"Children's Day", "Aviation", "Forest", "Teacher", "Ramkhamhaeng", "Armed Forces", "Veterans", "Artist", "Women", "Ploughing", "Science", "Flag Day", "Loy Krathong"},
	"US": {"Mourning", "Groundhog", "Valentine", "Patrick", "Good Friday", "Easter", "Mother's", "Father's", "Halloween", "Christmas Eve", "Day After", "New Year's Eve", "Election"},
}

// announced are the days that the reference estimated before they were announced.
var announced = map[string]bool{
	"AE 2025-06-03": true, "AE 2025-06-04": true, "AE 2025-06-26": true,
	"AE 2025-06-07": true, "AE 2025-06-08": true, "AE 2025-06-27": true,
}

func TestHolidaysAreThoseOfTheReference(t *testing.T) {
	holidays, _ := embedded(t)
	rows, err := csv.NewReader(unzip(t, data(t, "public_holidays_2015_2035.csv.gz"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	type ref struct{ national, anywhere map[string]string }
	refs := map[string]ref{}
	for _, row := range rows[1:] {
		country, division, date, name := row[0], row[1], row[2], row[3]
		if date < "2025" || date >= "2029" {
			continue
		}
		r, ok := refs[country]
		if !ok {
			r = ref{map[string]string{}, map[string]string{}}
			refs[country] = r
		}
		r.anywhere[date] = name
		if division == "" {
			r.national[date] = name
		}
		if division != "" && country == "GB" {
			sub := country + "-" + division
			if _, ok := refs[sub]; !ok {
				refs[sub] = ref{map[string]string{}, map[string]string{}}
			}
			refs[sub].anywhere[date] = name
		}
	}
	for _, place := range holidays.Places() {
		if place == "CN" {
			continue // it has a reference of its own
		}
		days := own(holidays, place, calendar.Holiday)
		for d := range days {
			if refs[place].anywhere[d] == "" && !announced[place+" "+d] {
				t.Errorf("%s %s is no holiday in the reference", place, d)
			}
		}
		if place == "IN" {
			continue // the reference lists the days that are left to each one's choice as well
		}
		for d, name := range refs[place].national {
			skip := announced[place+" "+d]
			for _, word := range observed[place] {
				skip = skip || strings.Contains(name, word) && !slices.Contains([]string{"Christmas Day (observed); Christmas Eve", "New Year's Day (observed); New Year's Eve", "Bank Holiday; New Year's Day", "HM Queen Sirikit The Queen Mother's Birthday; National Mother's Day"}, name) && !strings.Contains(name, "Bhumibol") && !strings.Contains(name, "(in lieu)")
			}
			if place == "TH" && strings.HasSuffix(d, "-12-31") {
				skip = false
			}
			if !skip && !days[d] {
				t.Errorf("%s lacks %s, %s", place, d, name)
			}
		}
	}
}

func TestScotlandKeepsItsOwn(t *testing.T) {
	holidays, _ := embedded(t)
	rows, err := csv.NewReader(unzip(t, data(t, "public_holidays_2015_2035.csv.gz"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]bool{"SCT": {}, "NIR": {}, "ENG": {}, "WLS": {}}
	for _, row := range rows[1:] {
		for division := range want {
			if row[0] == "GB" && (row[1] == "" || row[1] == division) && row[2] >= "2025" && row[2] < "2029" {
				want[division][row[2]] = true
			}
		}
	}
	for division, dates := range want {
		for d := day(t, "2025-01-01"); d < day(t, "2029-01-01"); d++ {
			row, _ := holidays.On("GB-"+division, d)
			if got := row.Kind == calendar.Holiday; got != dates[d.String()] {
				t.Errorf("GB-%s %s: a holiday %t, in the reference %t", division, d, got, !got)
			}
		}
	}
}

func TestChinaIsAsAnnounced(t *testing.T) {
	holidays, _ := embedded(t)
	files := tar.NewReader(unzip(t, data(t, "holiday-cn_2007-2027.tar.gz")))
	seen := 0
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		year := strings.TrimSuffix(path.Base(header.Name), ".json")
		if year != "2025" && year != "2026" {
			continue
		}
		var doc struct {
			Days []struct {
				Date     string `json:"date"`
				IsOffDay bool   `json:"isOffDay"`
			} `json:"days"`
		}
		if err := json.NewDecoder(files).Decode(&doc); err != nil {
			t.Fatal(err)
		}
		want := map[string]calendar.Kind{}
		for _, d := range doc.Days {
			want[d.Date] = calendar.Working
			if d.IsOffDay {
				want[d.Date] = calendar.Holiday
			}
		}
		for d := day(t, year+"-01-01"); d <= day(t, year+"-12-31"); d++ {
			seen++
			if row, _ := holidays.On("CN", d); row.Kind != want[d.String()] {
				t.Errorf("CN %s is %s, and was announced as %s", d, row.Kind, want[d.String()])
			}
		}
	}
	if seen != 730 {
		t.Errorf("%d days were compared", seen)
	}
}

func TestRamadanIsThatOfUmmAlQura(t *testing.T) {
	_, ramadan := embedded(t)
	rows, err := csv.NewReader(data(t, "hijri_month_starts.csv")).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var starts, ends []calendar.Date
	for _, row := range rows[1:] {
		switch row[1] {
		case "9":
			starts = append(starts, day(t, row[2]))
		case "10":
			ends = append(ends, day(t, row[2]))
		}
	}
	want := map[calendar.Date]bool{}
	for i := range starts {
		for d := starts[i]; d < ends[i]; d++ {
			want[d] = true
		}
	}
	for d := day(t, "2020-01-01"); d <= day(t, "2040-12-31"); d++ {
		row, _ := ramadan.On("SA", d)
		if got := row.Kind == calendar.Season; got != want[d] {
			t.Errorf("%s is in Ramadan: %t; by Umm al-Qura: %t", d, got, want[d])
		}
	}
	for _, place := range []string{"ID", "IN"} { // a month of 29 or 30 days, at most a day from Umm al-Qura's
		days := 0
		for d := day(t, "2026-01-01"); d <= day(t, "2026-12-31"); d++ {
			if row, _ := ramadan.On(place, d); row.Kind == calendar.Season {
				days++
			}
		}
		if days != 29 && days != 30 {
			t.Errorf("Ramadan of 2026 in %s has %d days", place, days)
		}
	}
}
