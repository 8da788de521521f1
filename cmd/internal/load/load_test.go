package load

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
)

// write puts a file into a new directory and returns its path.
func write(tb testing.TB, name, text string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// purchases is the job that most tests begin from.
func purchases(files ...string) Job {
	return Job{Kind: Events, Files: files, Event: "buy", At: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Zone: time.UTC, Clock: stillClock()}
}

// at cuts the time that purchases gives to all rows off their lines.
func at(lines []string) string {
	return strings.ReplaceAll(strings.ReplaceAll(joined(lines), " @2026-01-01T00:00:00Z", ""), "buy ", "")
}

func TestRows(t *testing.T) {
	jakarta, err := time.LoadLocation("Asia/Jakarta")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file    string // its name; f.csv when empty
		text    string
		change  func(*Job)
		want    string
		rejects string // REASON row, in order
		skipped uint64
		warns   string // part of the only warning
	}{
		"types by column": {
			text: "cid,n,b,s,z,mixed,big,plus\n00001,1.50,true,x,007,12,12345678901234567890,+44\n17850.0,-2,false,true,8,n/a,1,5\n",
			want: `00001 b=true big="12345678901234567890" mixed="12" n=1.5 plus="+44" s="x" z="007"
17850.0 b=false big="1" mixed="n/a" n=-2 plus="5" s="true" z="8"`,
			warns: "",
		},
		"a column said to be bool takes other words": {
			text: "cid,a,b,c,d\n1,1,True,yes,t\n2,0,FALSE,no,F\n3,1.0,true,Y,n\n4,2,true,y,n\n5,0,ja,y,n\n6,0,01,y,n\n7,,,,\n",
			change: func(j *Job) {
				j.Types = []Pair{{Name: "a", Value: "bool"}, {Name: "b", Value: "bool"}, {Name: "c", Value: "bool"}, {Name: "d", Value: "bool"}}
			},
			want: `1 a=true b=true c=true d=true
2 a=false b=false c=false d=false
3 a=true b=true c=true d=false
7`,
			rejects: "TYPE_MISFIT 4, TYPE_MISFIT 5, TYPE_MISFIT 6",
		},
		"a key said to be bool takes numbers": {
			file:   "f.jsonl",
			text:   `{"cid":"1","a":1}` + "\n" + `{"cid":"2","a":0}` + "\n" + `{"cid":"3","a":true}` + "\n" + `{"cid":"4","a":"no"}` + "\n" + `{"cid":"5","a":3}` + "\n" + `{"cid":"6","a":["1"]}`,
			change: func(j *Job) { j.Types = []Pair{{Name: "a", Value: "bool"}} },
			want: `1 a=true
2 a=false
3 a=true
4 a=false`,
			rejects: "TYPE_MISFIT 5, TYPE_MISFIT 6",
		},
		"only true and false are bool": {
			text: "cid,a,b\n1,True,true\n2,False,1\n",
			want: `1 a="True" b="true"
2 a="False" b="1"`,
			warns: "numbers and true or false mixed",
		},
		"mixed is a warning": {
			text:  "cid,total\n1,29.85\n2, \n",
			want:  "1 total=\"29.85\"\n2 total=\" \"",
			warns: `column "total": numbers and text mixed, all taken as strings; 1 of 2 cells are text, such as " " in line 3`,
		},
		"a type makes misfits rejected rows": {
			text: "cid,total,zip,ok,when,tags\n1,29.85,01,true,2026-01-02,a|b\n2, ,2,true,2026-01-02,\n3,+5,3,maybe,2026-01-02,\n4,007,4,,yesterday,\n5,,5,,,\"[\"\"x,y\"\"]\"\n6,,6,,,[1]\n",
			change: func(j *Job) {
				j.Types = []Pair{{"total", "number"}, {"zip", "string"}, {"ok", "bool"}, {"when", "time"}, {"tags", "list"}}
			},
			want: `1 ok=true tags=("a", "b") total=29.85 when=@2026-01-02T00:00:00Z zip="01"
5 tags=("x,y") zip="5"`,
			rejects: "TYPE_MISFIT 2, TYPE_MISFIT 3, TIME_INVALID 4, TYPE_MISFIT 6",
		},
		"cells are not trimmed, empty ones are absent": {
			text: "cid,a,b\n x ,\" 1\",\n\"y\",\"\",\"2\"\n",
			want: "\" x \" a=\" 1\"\ny b=2",
		},
		"BOM, CRLF, quotes, newlines in quotes, blank lines, no end": {
			text: "\uFEFFcid,\"a,b\"\r\n1,\"say \"\"hi\"\"\r\nyou\"\r\n\r\n2,z",
			want: "1 a,b=\"say \\\"hi\\\"\\r\\nyou\"\n2 a,b=\"z\"",
		},
		"rows that cannot be used": {
			text:    "cid,a\n1,2,3\n4\n5,\"x\"y\n6,x\"y\n7,\x00\n8,\xff\n9,ok\n,no cid\n",
			want:    "9 a=\"ok\"",
			rejects: "FIELD_COUNT 1, FIELD_COUNT 2, QUOTE 3, QUOTE 4, NUL_BYTE 5, NOT_UTF8 6, CID_EMPTY 8",
		},
		"map, other columns keep their names": {
			text:   "who,Country,q\nx,UK,1\n",
			change: func(j *Job) { j.Map = []Pair{{"cid", "who"}, {"country", "Country"}} },
			want:   "x country=\"UK\" q=1",
		},
		"map with only": {
			text: "who,Country,q\nx,UK,1\n",
			change: func(j *Job) {
				j.Map, j.Only = []Pair{{"cid", "who"}, {"country", "Country"}}, true
				j.Set = []Pair{{"double", "q*2"}}
			},
			want: "x country=\"UK\" double=2",
		},
		"one column with two uses has one type": {
			text:   "who\n5\n",
			change: func(j *Job) { j.Map = []Pair{{"cid", "who"}, {"who", "who"}} },
			want:   "5 who=\"5\"",
		},
		"event, offset and id from columns": {
			text:    "cid,event,offset,event_id,p\n1,open,420,a1,x\n2,buy,,,y\n3,,0,,z\n4,open,1.5,,\n5,open,1081,,\n6,open,-300,b,\n",
			change:  func(j *Job) { j.Event = "" },
			want:    "open 1 offset:420 id:a1 p=\"x\"\nopen 6 offset:-300 id:b\n2 p=\"y\"",
			rejects: "EVENT_EMPTY 3, OFFSET_INVALID 4, OFFSET_OUT_OF_RANGE 5",
		},
		"id is the event id when mapped, a property otherwise": {
			text:   "cid,id,key\n1,7,k\n",
			change: func(j *Job) { j.Map = []Pair{{"id", "key"}} },
			want:   "1 id:k id=7",
		},
		"an event flag leaves the column a property": {
			text: "cid,event\n1,launch\n",
			want: "1 event=\"launch\"",
		},
		"times in the zone, at for rows without": {
			text:    "cid,time\na,2026-03-01\nb,2026-03-01 10:00:00.1239\nc,2026-03-01T10:00:00Z\nd,2026-03-01T10:00:00+02:00\ne,\nf,10:00\n",
			change:  func(j *Job) { j.Zone = jakarta },
			want:    "a @2026-02-28T17:00:00Z\nb @2026-03-01T03:00:00.123Z\nc @2026-03-01T10:00:00Z\nd @2026-03-01T08:00:00Z\ne",
			rejects: "TIME_INVALID 6",
		},
		"a column of offsets is asked before times are": {
			text:   "cid,time,offset\na,2026-03-01T10:00:00+02:00,60\nb,2026-03-01T10:00:00+02:00,\nc,2026-03-01T10:00:00+02:00,0\n",
			change: func(j *Job) { j.Offsets = OffsetsClock },
			want:   "a @2026-03-01T08:00:00Z offset:60\nb @2026-03-01T08:00:00Z offset:120\nc @2026-03-01T08:00:00Z offset:0",
		},
		"one offset is the machine's": {
			text: "cid,time\na,2026-03-01T10:00:00+07:00\nb,2026-03-01T10:00:01+07:00\nc,2026-03-01T10:00:00Z\n",
			want: "a @2026-03-01T03:00:00Z\nb @2026-03-01T03:00:01Z\nc @2026-03-01T10:00:00Z",
		},
		"of several offsets +00:00 is a clock, and Z is none": {
			text: "cid,time\na,2026-03-01T10:00:00+01:00\nb,2026-03-01T10:00:00+00:00\nc,2026-03-01T10:00:00Z\nd,2026-03-01T10:00:00-00:00\n",
			want: "a @2026-03-01T09:00:00Z offset:60\nb @2026-03-01T10:00:00Z offset:0\nc @2026-03-01T10:00:00Z\nd @2026-03-01T10:00:00Z",
		},
		"offsets of a format": {
			text:   "cid,when\na,01.03.2026 10:00 +0100\nb,01.03.2026 10:00 +0000\n",
			change: func(j *Job) { j.TimeFormat, j.Map = "%d.%m.%Y %H:%M %z", []Pair{{"time", "when"}} },
			want:   "a @2026-03-01T09:00:00Z offset:60\nb @2026-03-01T10:00:00Z offset:0",
		},
		"one offset that is the clock's": {
			text:   "cid,time\na,2026-01-01T10:00:00+00:00\nb,2026-01-01T10:00:00Z\n",
			change: func(j *Job) { j.Offsets = OffsetsClock },
			want:   "a @2026-01-01T10:00:00Z offset:0\nb @2026-01-01T10:00:00Z",
		},
		"offsets of JSON, of which the column comes up late": {
			file: "f.jsonl",
			text: `{"cid":"a","x":1}` + "\n" + `{"cid":"b","time":"2026-03-01T10:00:00+01:00"}` + "\n" + `{"cid":"c","time":"2026-03-01T10:00:00+00:00"}` + "\n",
			want: "a x=1\nb @2026-03-01T09:00:00Z offset:60\nc @2026-03-01T10:00:00Z offset:0",
		},
		"times that are no time do not count": {
			text:    "cid,time,seen\na,2026-03-01T10:00:00+07:00,2026-03-01T10:00:00+01:00\nb,2026-13-01T10:00:00+08:00,2026-03-01T10:00:00+02:00\n",
			want:    "a @2026-03-01T03:00:00Z seen=\"2026-03-01T10:00:00+01:00\"",
			rejects: "TIME_INVALID 2",
		},
		"offsets of times that are a machine's": {
			text:   "cid,time,offset\na,2026-03-01T10:00:00+02:00,60\nb,2026-03-01T10:00:00+03:00,\n",
			change: func(j *Job) { j.Offsets = OffsetsIgnore },
			want:   "a @2026-03-01T08:00:00Z offset:60\nb @2026-03-01T07:00:00Z",
		},
		"rows without a time are apart": {
			text:   "cid,time\na,2026-03-01\nb,\nc,2026-03-02\n",
			change: func(j *Job) { j.At = time.Time{} },
			want:   "a @2026-03-01T00:00:00Z\nc @2026-03-02T00:00:00Z\nb",
		},
		"times as numbers": {
			text:    "cid,time\na,1104596055\nb,1104596055.25\nc,2026-03-01\nd,99999999999999999999\n",
			change:  func(j *Job) { j.TimeUnit = "s" },
			want:    "a @2005-01-01T16:14:15Z\nb @2005-01-01T16:14:15.25Z\nc @2026-03-01T00:00:00Z",
			rejects: "TIME_INVALID 4",
		},
		"times in a format": {
			text:    "cid,time\na,12/1/2010 8:26\nb,2010-12-01\n",
			change:  func(j *Job) { j.TimeFormat = "%-m/%-d/%Y %-H:%M" },
			want:    "a @2010-12-01T08:26:00Z",
			rejects: "TIME_INVALID 2",
		},
		"dates stay strings": {
			text: "cid,born\na,2001-02-03\n",
			want: "a born=\"2001-02-03\"",
		},
		"where skips before it rejects": {
			text:    "who,n,day\n,1,2026-01-01\na,1,2026-01-01\nb,x,2026-01-01\nc,5,2026-01-01\n",
			change:  func(j *Job) { j.Map, j.Where = []Pair{{"cid", "who"}}, `who exists and n != "5"` },
			want:    "a day=\"2026-01-01\" n=\"1\"\nb day=\"2026-01-01\" n=\"x\"",
			skipped: 2,
			warns:   "numbers and text mixed",
		},
		"where on times by the day of the zone": {
			text:    "cid,time\na,2026-01-31T18:00:00Z\nb,2026-01-31T16:00:00Z\n",
			change:  func(j *Job) { j.Zone, j.Where = jakarta, `time >= 2026-02-01` },
			want:    "a @2026-01-31T18:00:00Z",
			skipped: 1,
		},
		"where on what set computes": {
			text:    "cid,Quantity,Unit Price\na,6,2.55\nb,-1,2.55\nc,,1\nd,x,1\n",
			change:  func(j *Job) { j.Set, j.Where = []Pair{{"amount", `Quantity * "Unit Price"`}}, `amount > 0` },
			want:    "a Quantity=\"6\" Unit Price=2.55 amount=15.3",
			skipped: 2,
			rejects: "SET_NOT_A_NUMBER 4",
			warns:   "numbers and text mixed",
		},
		"a set may use an earlier one": {
			text:   "cid,clicks,shows\na,1,3\nb,1,0\n",
			change: func(j *Job) { j.Set, j.Only = []Pair{{"rate", "clicks/shows"}, {"percent", "100*rate"}}, true },
			want:   "a percent=33.3333333333333333 rate=0.333333333333333333\nb",
		},
		"a comparison that never holds is a warning": {
			text:    "cid,n\n17850.0,1\n",
			change:  func(j *Job) { j.Where = "cid = 17850" },
			skipped: 1,
			warns:   `--where compares "cid", which is string, with a number: that never holds`,
		},
		"numbers of very different size": {
			text: "cid,n\na,900000000000000001\nb,0.000000000000000001\nc,\n",
			want: "a n=900000000000000001\nb n=0.000000000000000001\nc",
		},
		"packed CIDs": {
			text: "cid\n00112233445566778899aabbccddeeff\nffeeddccbbaa99887766554433221100\n",
			want: "00112233445566778899aabbccddeeff\nffeeddccbbaa99887766554433221100",
		},
		"CIDs of which one cannot be packed": {
			text: "cid\n00112233445566778899aabbccddeeff\nFFeeddccbbaa99887766554433221100\n",
			want: "00112233445566778899aabbccddeeff\nFFeeddccbbaa99887766554433221100",
		},
		"tags": {
			text: "cid,tag,op,expires,time,other\n1,vip,,,,x\n2,vip,add,2026-05-01,,x\n1,vip,remove,,,x\n1,vip,add,,,x\n3,new,drop,,,\n4,,,,,\n5,new,,,,\n",
			change: func(j *Job) {
				j.Kind, j.Event = Tags, ""
			},
			want:    "+vip 1\n+vip 2 until 2026-05-01T00:00:00Z\n-vip 1\n+vip 1\n+new 5",
			rejects: "OP_INVALID 5, TAG_EMPTY 6",
		},
		"one tag for all": {
			text:   "household_id\n1\n2\n",
			change: func(j *Job) { j.Kind, j.Event, j.Tag, j.Map = Tags, "", "vip", []Pair{{"cid", "household_id"}} },
			want:   "+vip 1\n+vip 2",
		},
		"profiles stay in order": {
			text: "cid,time,age,city\n1,2026-02-01,30,Paris\n1,,31,\n1,2026-02-02,32,Rome\n",
			change: func(j *Job) {
				j.Kind, j.Event, j.At = Profiles, "", time.Time{}
			},
			want: "profile 1 @2026-02-01T00:00:00Z age=30 city=\"Paris\"\nprofile 1 age=31\nprofile 1 @2026-02-02T00:00:00Z age=32 city=\"Rome\"",
		},
		"JSON lines": {
			file: "f.jsonl",
			text: "\uFEFF" + `{"cid":"00001","n":1.50,"b":true,"s":"007","l":["a","b"],"none":null}` + "\n\n" + `{"cid":17850.0,"n":2,"more":"x","l":[]}` + "\n",
			want: "00001 b=true l=(\"a\", \"b\") n=1.5 s=\"007\"\n17850.0 l=() more=\"x\" n=2",
		},
		"JSON lines that cannot be used": {
			file:    "f.ndjson",
			text:    "{\"cid\":1}\n{\"cid\":2,\"o\":{}}\n{\"cid\":3,\"l\":[1]}\n{\"cid\":4,\"cid\":5}\nnope\n{\"cid\":6} x\n{\"cid\":\"\"}\n{\"n\":1}\n{\"cid\":[\"a\"]}\n{\"cid\":\"a\\u0000\"}\n",
			want:    "1",
			rejects: "JSON_NESTED 2, JSON_NESTED 3, KEY_TWICE 4, JSON_SYNTAX 5, JSON_SYNTAX 6, CID_EMPTY 7, CID_EMPTY 8, TYPE_MISFIT 9, NUL_BYTE 10",
		},
		"mixed JSON": {
			file:  "f.jsonl",
			text:  "{\"cid\":1,\"v\":1.50,\"l\":\"x\"}\n{\"cid\":2,\"v\":\"one\",\"l\":[\"a\"]}\n",
			want:  "1 l=(\"x\") v=\"1.50\"\n2 l=(\"a\") v=\"one\"",
			warns: "",
		},
		"JSON types settled": {
			file:    "f.jsonl",
			text:    "{\"cid\":1,\"v\":\"12\",\"t\":\"2026-01-01\"}\n{\"cid\":2,\"v\":true}\n{\"cid\":3,\"t\":5}\n",
			change:  func(j *Job) { j.Types = []Pair{{"v", "number"}, {"t", "time"}} },
			want:    "1 t=@2026-01-01T00:00:00Z v=12",
			rejects: "TYPE_MISFIT 2, TIME_INVALID 3",
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := c.file
			if file == "" {
				file = "f.csv"
			}
			job := purchases(write(t, file, c.text))
			job.RejectsPath = filepath.Join(t.TempDir(), "rejects.csv")
			if c.change != nil {
				c.change(&job)
			}
			fake := &fakeIngest{}
			sum, err := Run(t.Context(), fake.serve(t), job, nil)
			if err != nil {
				t.Fatal(err)
			}
			want := strings.ReplaceAll(c.want, "\" x \"", " x ")
			if diff := cmp.Diff(want, at(fake.rows)); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.rejects, reasons(t, sum.RejectsPath)); diff != "" {
				t.Errorf("rejects (-want +got):\n%s", diff)
			}
			if sum.Skipped != c.skipped || sum.Rows != sum.Accepted+sum.Rejected+sum.Skipped || sum.Accepted != uint64(len(fake.rows)) {
				t.Errorf("counts are %+v, want %d skipped", sum.Counts, c.skipped)
			}
			if c.warns != "" && (len(sum.Warnings) != 1 || !strings.Contains(sum.Warnings[0], c.warns)) {
				t.Errorf("warnings are %q, want %q", sum.Warnings, c.warns)
			}
		})
	}
}

func TestUsageErrors(t *testing.T) {
	for name, c := range map[string]struct {
		file, text string
		change     func(*Job)
		want       string
	}{
		"no kind":                   {change: func(j *Job) { j.Kind = "users" }, want: `not "users"`},
		"no file":                   {change: func(j *Job) { j.Files = nil }, want: "no file"},
		"unknown column":            {text: "CustomerID,b\n1,2\n", change: func(j *Job) { j.Map = []Pair{{"cid", "CustomerId"}} }, want: `--map: there is no column "CustomerId": did you mean "CustomerID"?`},
		"no CID":                    {text: "a,b\n1,2\n", want: "no column holds the CID: say --map cid=COLUMN, where COLUMN is one of a, b"},
		"no event":                  {text: "cid\n1\n", change: func(j *Job) { j.Event = "" }, want: "say --event NAME or --map event=COLUMN"},
		"event twice":               {text: "cid,e\n1,2\n", change: func(j *Job) { j.Map = []Pair{{"event", "e"}} }, want: `the column "e" is mapped to event`},
		"no tag":                    {text: "cid\n1\n", change: func(j *Job) { j.Kind, j.Event = Tags, "" }, want: "say --tag NAME"},
		"tag with property":         {text: "cid,p\n1,2\n", change: func(j *Job) { j.Kind, j.Event, j.Tag, j.Map = Tags, "", "t", []Pair{{"p", "p"}} }, want: `tags have no "p"`},
		"header twice":              {text: "cid,a,a\n1,2,3\n", want: `columns 2 and 3 are both named "a"`},
		"header empty":              {text: "cid,,a\n1,2,3\n", want: "column 2 has no name"},
		"header with semicolons":    {text: "cid;a\n1;2\n", want: "separated by commas"},
		"empty file":                {text: "", want: "is empty"},
		"open quote":                {text: "cid,a\n1,2\n3,\"4\n5,6\n", want: "the quote that opens in line 3 is never closed"},
		"same name twice":           {text: "cid,country,Country\n1,2,3\n", change: func(j *Job) { j.Map = []Pair{{"country", "Country"}} }, want: `the name "country" is the name of two columns`},
		"number as time":            {text: "cid,time\n1,1104596055\n", want: `--time-unit: the times in column "time" are numbers`},
		"offsets":                   {change: func(j *Job) { j.Offsets = "yes" }, want: `--offsets: offsets are taken as auto, clock or ignore says, not "yes"`},
		"time unit":                 {change: func(j *Job) { j.TimeUnit = "h" }, want: "s, ms or us"},
		"time format":               {change: func(j *Job) { j.TimeFormat = "%H:%M" }, want: "year, month and day"},
		"where syntax":              {change: func(j *Job) { j.Where = "a ==" }, want: "--where"},
		"where name":                {text: "cid,amount\n1,2\n", change: func(j *Job) { j.Where = "amuont > 1" }, want: `did you mean "amount"?`},
		"set syntax":                {change: func(j *Job) { j.Set = []Pair{{"a", "1 +"}} }, want: "--set"},
		"set name":                  {text: "cid,amount\n1,2\n", change: func(j *Job) { j.Set = []Pair{{"x", "amout*2"}} }, want: `did you mean "amount"?`},
		"set over a column":         {text: "cid,amount\n1,2\n", change: func(j *Job) { j.Set = []Pair{{"amount", "1"}} }, want: `there is a column "amount" already`},
		"type name":                 {text: "cid,amount\n1,2\n", change: func(j *Job) { j.Types = []Pair{{"amont", "number"}} }, want: `did you mean "amount"?`},
		"type":                      {text: "cid,amount\n1,2\n", change: func(j *Job) { j.Types = []Pair{{"amount", "float"}} }, want: `"float" is no type`},
		"type of the CID":           {text: "cid\n1\n", change: func(j *Job) { j.Types = []Pair{{"cid", "number"}} }, want: `"cid" is string already`},
		"column with two types":     {text: "cid,t\n1,2\n", change: func(j *Job) { j.Map = []Pair{{"event_id", "t"}, {"time", "t"}} }, want: "a column has one type"},
		"parquet":                   {file: "f.parquet", text: "PAR1", want: "Parquet files are not read"},
		"parquet by content":        {text: "PAR1 and more", want: "Parquet files are not read"},
		"not gzip":                  {file: "f.csv.gz", text: "cid\n1\n", want: "is not gzip although its name says so"},
		"not zstd":                  {file: "f.csv.zst", text: "cid\n1\n", want: "is not zstd although its name says so"},
		"UTF-16":                    {text: "\xff\xfec\x00i\x00d\x00", want: "UTF-16"},
		"JSON array":                {file: "f.json", text: "[{}]", want: "one object a line"},
		"JSON without CID":          {file: "f.jsonl", text: "{\"a\":1}\n", want: "no column holds the CID"},
		"no JSON":                   {file: "f.jsonl", text: "hello\n{\n", want: "no row could be read; "},
		"only empty JSON":           {file: "f.jsonl", text: "{}\n", want: "no row with a CID"},
		"rejects nowhere":           {text: "cid\n\n1\n", change: func(j *Job) { j.RejectsPath = "/no/such/directory/r.csv" }, want: "--rejects PATH"},
		"rejects over a file":       {text: "cid\n1\n", change: func(j *Job) { j.RejectsPath = j.Files[0] }, want: "is a file to load"},
		"control character in name": {text: "cid,\"a\nb\"\n1,2\n", want: "control characters"},
		"stdin twice":               {change: func(j *Job) { j.Files = []string{"-", "-"} }, want: "once only"},
	} {
		t.Run(name, func(t *testing.T) {
			file := c.file
			if file == "" {
				file = "f.csv"
			}
			job := purchases(write(t, file, c.text))
			if c.change != nil {
				c.change(&job)
			}
			fake := &fakeIngest{}
			opened := false
			_, err := RunOpening(t.Context(), func(context.Context) (whowhenv1connect.IngestServiceClient, error) {
				opened = true
				return fake.serve(t), nil
			}, job, nil)
			var wrong *UsageError
			if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want %q", err, c.want)
			}
			if opened || fake.calls > 0 {
				t.Error("the app was opened")
			}
		})
	}
}

func TestOneTypeInAllFiles(t *testing.T) {
	fake := &fakeIngest{}
	sum, err := Run(t.Context(), fake.serve(t), purchases(write(t, "a.csv", "cid,v,only_a\n1,5,x\n"), write(t, "b.csv", "v,cid\nn/a,2\n"), write(t, "c.jsonl", "{\"cid\":3,\"v\":7}\n")), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("1 only_a=\"x\" v=\"5\"\n2 v=\"n/a\"\n3 v=\"7\"", at(fake.rows)); diff != "" {
		t.Error(diff)
	}
	if len(sum.Files) != 3 || sum.Files[1].Accepted != 1 {
		t.Errorf("summary %+v", sum)
	}
}

func TestManyColumns(t *testing.T) {
	var header, first, second strings.Builder
	header.WriteString("cid")
	first.WriteString("1")
	second.WriteString("2")
	for i := range 300 {
		header.WriteString(",x" + string(rune('a'+i/26)) + string(rune('a'+i%26)))
		first.WriteString(",")
		second.WriteString(",")
		if i < 200 {
			first.WriteString("1")
		} else {
			second.WriteString("2")
		}
	}
	full := "3" + strings.Repeat(",3", 300)
	fake := &fakeIngest{}
	sum, err := Run(t.Context(), fake.serve(t), purchases(write(t, "f.csv", header.String()+"\n"+first.String()+"\n"+second.String()+"\n"+full+"\n")), nil)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Accepted != 2 || sum.RejectedBy["TOO_MANY_VALUES"] != 1 || len(fake.last.EventColumns) != 2 {
		t.Errorf("summary %+v, %d tables", sum, len(fake.last.EventColumns))
	}
}

func TestRejectsFile(t *testing.T) {
	fake := &fakeIngest{reject: func(line string) *whowhenv1.Reject {
		if strings.Contains(line, "late") {
			return &whowhenv1.Reject{Field: "time", Reason: "TIME_IN_FUTURE", Message: "too late"}
		}
		return nil
	}}
	a := write(t, "a.csv", "cid,file,v\n1,x,ok\n2,\"a,b\",late\n,y,z\n3,4\n")
	b := write(t, "b.jsonl", "{\"cid\":1,\"v\":\"late\"}\n{\"cid\":\n")
	job := purchases(a, b)
	job.RejectsPath = filepath.Join(t.TempDir(), "rejects.csv")
	sum, err := Run(t.Context(), fake.serve(t), job, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(sum.RejectsPath)
	if err != nil {
		t.Fatal(err)
	}
	want := `rejected_file,row,line,field,reason,message,cid,file,v,record
A,3,4,cid,CID_EMPTY,the CID is empty,,y,z,
A,4,5,,FIELD_COUNT,"the row has 2 cells, the header 3",,,,"3,4"
A,2,3,time,TIME_IN_FUTURE,too late,2,"a,b",late,
B,2,2,,JSON_SYNTAX,"at byte 7: expected a value, found the end of the line",,,,"{""cid"":"
B,1,1,time,TIME_IN_FUTURE,too late,,,,"{""cid"":1,""v"":""late""}"
`
	want = strings.ReplaceAll(strings.ReplaceAll(want, "A,", a+","), "B,", b+",")
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	if sum.Rejected != 5 || sum.Accepted != 1 || sum.RejectedBy["TIME_IN_FUTURE"] != 2 {
		t.Errorf("summary %+v", sum)
	}
}

func TestNoRejectsNoFile(t *testing.T) {
	job := purchases(write(t, "a.csv", "cid\n1\n"))
	job.RejectsPath = filepath.Join(t.TempDir(), "rejects.csv")
	sum, err := Run(t.Context(), (&fakeIngest{}).serve(t), job, nil)
	if err != nil || sum.RejectsPath != "" {
		t.Errorf("Run = %+v, %v", sum, err)
	}
	if _, err := os.Stat(job.RejectsPath); !os.IsNotExist(err) {
		t.Errorf("the rejects file is there: %v", err)
	}
}

func TestOpeningFails(t *testing.T) {
	path := write(t, "f.csv", "cid\n1\n")
	job := purchases(path)
	job.RejectsPath = filepath.Join(t.TempDir(), "rejects.csv")
	held := errors.New("the directory is held")
	_, err := RunOpening(t.Context(), func(context.Context) (whowhenv1connect.IngestServiceClient, error) { return nil, held }, job, nil)
	if !errors.Is(err, held) {
		t.Errorf("the error is %v", err)
	}
	if _, err := os.Stat(job.RejectsPath); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a rejects file was made: %v", err)
	}
}
