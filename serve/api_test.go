package serve

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

const annaHex, bertHex = "00000000000000000000000000000aaa", "00000000000000000000000000000bbb"

// facts are some records about two CIDs.
func facts() *whowhenv1.WriteRequest {
	day := timestamppb.New(testNow.AddDate(0, 0, -3))
	return &whowhenv1.WriteRequest{Records: []*whowhenv1.Record{
		event(&whowhenv1.Event{Cid: annaHex, Name: "buy", Time: day, Properties: map[string]*whowhenv1.Value{"amount": digits("12.50"), "kind": text("shoes")}}),
		event(&whowhenv1.Event{Cid: annaHex, Name: "buy", Time: day, Properties: map[string]*whowhenv1.Value{"amount": number(0.25)}}),
		tagChange(&whowhenv1.TagChange{Cid: bertHex, Tag: "vip", Time: day}),
		profile(&whowhenv1.ProfileChange{Cid: bertHex, Set: map[string]*whowhenv1.Value{"age": number(30), "city": text("Ulm")}, Time: day}),
		event(&whowhenv1.Event{Cid: "", Name: "buy"}),
	}}
}

func TestJSONByPost(t *testing.T) {
	url := listen(t, newServer(t, Options{Version: "1.2.3"}))
	for _, c := range []struct {
		procedure, in string
		status        int
		want          string
	}{
		{"IngestService/Write", `{"records":[{"event":{"cid":"anna","name":"open","time":"2026-03-14T12:00:00Z","properties":{"n":{"number":2.5}}}},{"tag":{"cid":"","tag":"vip"}},{"tag":{"cid":"anna","tag":"vip"}}]}`, 200,
			`{"position":"1","accepted":"2","rejects":[{"index":1,"field":"cid","reason":"CID_EMPTY","message":"the CID is empty"}],"repeatedBatch":false}`},
		{"AudienceService/Count", `{"expression":"TAG(\"vip\")","read":{"atLeastPosition":"1"}}`, 200,
			`{"count":"1","asOf":"2026-03-14T15:09:26Z","position":"1","warnings":[],"expression":"tag(\"vip\")"}`},
		{"AudienceService/Contains", `{"expression":"everyone","cids":["anna","bert"]}`, 200,
			`{"contained":[true,false],"asOf":"2026-03-14T15:09:26Z","position":"1","warnings":[]}`},
		{"IngestService/GetLoad", `{"load_id":"none"}`, 200,
			`{"nextRow":"0","finished":false,"accepted":"0","rejectedRows":"0","skippedRows":"0","position":"1"}`},
	} {
		status, got := post(t, url+"/whowhen.v1."+c.procedure, c.in)
		if status != c.status || got != c.want {
			t.Errorf("%s %s:\n got %d %s\nwant %d %s", c.procedure, c.in, status, got, c.status, c.want)
		}
	}
	for _, words := range []string{`"app":"default"`, `"zone":"UTC"`, `"version":"1.2.3"`, `"writable":true`, `"name":"open","count":"1","firstDay":"2026-03-14"`} {
		if _, got := post(t, url+"/whowhen.v1.AdminService/Status", "{}"); !strings.Contains(got, words) {
			t.Errorf("Status lacks %s: %s", words, got)
		}
	}
	if status, got := post(t, url+"/whowhen.v1.AudienceService/Explain", `{"expression":"tag(\"vip\") and did(\"open\")","cid":"anna"}`); status != 200 || !strings.Contains(got, `"contained":true`) || !strings.Contains(got, `"summary":"`) {
		t.Errorf("Explain: %d %s", status, got)
	}
}

func TestErrorsByPost(t *testing.T) {
	url := listen(t, newServer(t, Options{})) + "/whowhen.v1."
	for _, c := range []struct {
		procedure, in string
		status        int
		words         []string
	}{
		{"AudienceService/Count", `{"expresion":"everyone"}`, 400, []string{`"code":"invalid_argument"`, `unknown field \"expresion\"`, `"reason":"REQUEST_MALFORMED"`}},
		{"AudienceService/Count", ``, 400, []string{"the request is empty"}},
		{"AudienceService/Count", `{"expression":"tag(\"a\") and"}`, 400, []string{`"code":"invalid_argument"`, "at byte 12", `"reason":"EXPRESSION_SYNTAX"`, `"offset":12`, `"field":"expression"`}},
		{"AudienceService/Count", `{"app":"other","expression":"everyone"}`, 404, []string{`"code":"not_found"`, `"reason":"APP_UNKNOWN"`}},
		{"AudienceService/Count", `{"app":"../x","expression":"everyone"}`, 400, []string{`"reason":"APP_NAME_INVALID"`}},
		{"AudienceService/Count", `{"expression":"everyone","read":{"asOf":"2026-03-20T00:00:00Z"}}`, 400, []string{`"reason":"AS_OF_IN_FUTURE"`, `"field":"read.as_of"`}},
		{"AudienceService/Count", `{"expression":"everyone","read":{"asOf":"0001-01-01T00:00:00Z"}}`, 400, []string{`"reason":"AS_OF_OUT_OF_RANGE"`, `"field":"read.as_of"`}},
		{"IngestService/GetLoad", `{}`, 400, []string{`"reason":"REQUEST_INVALID"`, `"field":"load_id"`}},
		{"IngestService/Write", `{"records":[{"event":{"cid":"a","name":"b","properties":{"x":{"number":"NaN"},"y":{"bool":1}}}}]}`, 400, []string{`"reason":"REQUEST_MALFORMED"`}},
		{"AudienceService/Contains", `{"expression":"everyone","cids":[` + strings.Repeat(`"a",`, MaxContains) + `"a"]}`, 400, []string{`"reason":"TOO_MANY_CIDS"`, "100001 CIDs"}},
	} {
		status, got := post(t, url+c.procedure, c.in)
		if status != c.status {
			t.Errorf("%s %.100s: %d %s", c.procedure, c.in, status, got)
		}
		for _, words := range c.words {
			if !strings.Contains(got, words) {
				t.Errorf("%s %.100s: no %s in %s", c.procedure, c.in, words, got)
			}
		}
	}
}

func TestEveryProtocol(t *testing.T) {
	s := newServer(t, Options{})
	url := listen(t, s)
	h1, h2 := newHTTPClient(t, false), newHTTPClient(t, true)
	for name, c := range map[string]clients{
		"connect HTTP/1":    newClients(h1, url),
		"connect HTTP/2":    newClients(h2, url, connect.WithSendGzip()),
		"connect JSON":      newClients(h1, url, connect.WithProtoJSON()),
		"connect GET":       newClients(h1, url, connect.WithHTTPGet()),
		"gRPC":              newClients(h2, url, connect.WithGRPC(), connect.WithSendGzip()),
		"gRPC-Web HTTP/1":   newClients(h1, url, connect.WithGRPCWeb()),
		"gRPC-Web HTTP/2":   newClients(h2, url, connect.WithGRPCWeb()),
		"in-process":        newClients(InProcess(s.Handler()), "http://any"),
		"in-process gRPC":   newClients(InProcess(s.Handler()), "http://any", connect.WithGRPC()),
		"in-process as GET": newClients(InProcess(s.Handler()), "http://any", connect.WithHTTPGet()),
	} {
		t.Run(name, func(t *testing.T) {
			request := facts()
			request.BatchId = "the same for all"
			written := c.write(t, request)
			if written.Accepted != 4 || len(written.Rejects) != 1 || written.Rejects[0].Index != 4 {
				t.Errorf("written %v", written)
			}
			if n := c.count(t, `sum("buy.amount") = 12.75`, written.Position); n != 1 {
				t.Errorf("count %d", n)
			}
			cids, _, first, err := c.selectAll(t, &whowhenv1.SelectRequest{Expression: `everyone or tag("vpi")`})
			if err != nil || !slices.Equal(cids, []string{annaHex, bertHex}) {
				t.Errorf("selected %v, %v", cids, err)
			}
			if first == nil || first.Position != written.Position || !first.AsOf.AsTime().Equal(testNow) || len(first.Warnings) != 1 || first.Warnings[0].Nearest != "vip" || len(first.Cids) != 0 {
				t.Errorf("the first message is %v", first)
			}
			_, packed, _, err := c.selectAll(t, &whowhenv1.SelectRequest{Expression: "everyone", Packed: true, Limit: 1})
			if err != nil || hex.EncodeToString(packed) != annaHex {
				t.Errorf("selected %x, %v", packed, err)
			}
			contains, err := c.audience.Contains(t.Context(), connect.NewRequest(&whowhenv1.ContainsRequest{Expression: `tag("vip")`, Cids: []string{bertHex, "nobody", annaHex}}))
			if err != nil || !slices.Equal(contains.Msg.Contained, []bool{true, false, false}) {
				t.Errorf("contains %v, %v", contains, err)
			}
			_, err = c.audience.Count(t.Context(), connect.NewRequest(&whowhenv1.CountRequest{Expression: "tag("}))
			if code, info := infoOf(t, err); code != connect.CodeInvalidArgument || info.Reason != "EXPRESSION_SYNTAX" {
				t.Errorf("%v %v", code, info)
			}
			_, _, _, err = c.selectAll(t, &whowhenv1.SelectRequest{Expression: "tag("})
			if code, info := infoOf(t, err); code != connect.CodeInvalidArgument || info.Reason != "EXPRESSION_SYNTAX" || info.GetOffset() != 4 {
				t.Errorf("select: %v %v", code, info)
			}
			status, err := c.admin.Status(t.Context(), connect.NewRequest(&whowhenv1.StatusRequest{}))
			if err != nil || status.Msg.Cids != 2 || status.Msg.Version != "dev" {
				t.Errorf("status %v, %v", status, err)
			}
		})
	}
}

func TestValidateOnlyWritesNothing(t *testing.T) {
	c := newClients(InProcess(newServer(t, Options{}).Handler()), "http://any")
	request := facts()
	request.ValidateOnly = true
	checked := c.write(t, request)
	if checked.Accepted != 4 || len(checked.Rejects) != 1 || checked.Position != 0 {
		t.Errorf("checked %v", checked)
	}
	request.ValidateOnly = false
	if written := c.write(t, request); written.Position != 1 || c.count(t, "everyone", 1) != 2 {
		t.Errorf("written %v", written)
	}
}

func TestBatchIDMakesARetrySafe(t *testing.T) {
	c := newClients(InProcess(newServer(t, Options{}).Handler()), "http://any")
	request := facts()
	request.BatchId = "b1"
	first, again := c.write(t, request), c.write(t, request)
	if first.RepeatedBatch || !again.RepeatedBatch || again.Position != first.Position || again.Accepted != first.Accepted || len(again.Rejects) != len(first.Rejects) {
		t.Errorf("first %v, then %v", first, again)
	}
	if n := c.count(t, `count("buy") = 2`, first.Position); n != 1 {
		t.Errorf("%d CIDs with two events after a retry", n)
	}
	request.Records = request.Records[1:]
	_, err := c.ingest.Write(t.Context(), connect.NewRequest(request))
	if code, info := infoOf(t, err); code != connect.CodeAlreadyExists || info.Reason != "BATCH_ID_REUSED" || info.Field != "batch_id" {
		t.Errorf("other content: %v %v", code, info)
	}
}

func TestLoadsResume(t *testing.T) {
	c := newClients(InProcess(newServer(t, Options{}).Handler()), "http://any")
	rows := func(first uint64, last bool) *whowhenv1.WriteRequest {
		return &whowhenv1.WriteRequest{
			Records: []*whowhenv1.Record{event(&whowhenv1.Event{Cid: fmt.Sprint("cid", first), Name: "open"})},
			Load:    &whowhenv1.LoadRows{LoadId: "f", FirstRow: first, Rows: 2, SkippedRows: 1, Last: last},
		}
	}
	c.write(t, rows(0, false))
	_, err := c.ingest.Write(t.Context(), connect.NewRequest(rows(0, false)))
	if code, info := infoOf(t, err); code != connect.CodeFailedPrecondition || info.Reason != "LOAD_OUT_OF_ORDER" {
		t.Errorf("the same rows: %v %v", code, info)
	}
	c.write(t, rows(2, true))
	load, err := c.ingest.GetLoad(t.Context(), connect.NewRequest(&whowhenv1.GetLoadRequest{LoadId: "f"}))
	if err != nil || load.Msg.NextRow != 4 || !load.Msg.Finished || load.Msg.Accepted != 2 || load.Msg.SkippedRows != 2 {
		t.Errorf("load %v, %v", load, err)
	}
}

func TestColumnsAndRecordsAnswerAlike(t *testing.T) {
	s := newServer(t, Options{})
	if _, err := s.home.CreateApp("columns", "UTC"); err != nil {
		t.Fatal(err)
	}
	c := newClients(InProcess(s.Handler()), "http://any")
	byRow := c.write(t, facts())
	day := testNow.AddDate(0, 0, -3).UnixMilli()
	cids := func(cids ...string) *whowhenv1.CidColumn { return &whowhenv1.CidColumn{Strings: cids} }
	byColumn := c.write(t, &whowhenv1.WriteRequest{
		App: "columns",
		EventColumns: []*whowhenv1.EventColumns{{
			Name: "buy", Cids: cids(annaHex, annaHex, ""), TimeUnixMillis: []int64{day, day, day},
			Properties: []*whowhenv1.Column{
				{Name: "amount", Kind: &whowhenv1.Column_Decimals{Decimals: &whowhenv1.DecimalColumn{Units: []int64{1250, 25, 0}, Scale: 2}}, Absent: []uint32{2}},
				{Name: "kind", Kind: &whowhenv1.Column_Strings{Strings: &whowhenv1.StringColumn{Values: []string{"shoes"}, Codes: []uint32{0, 0, 0}}}, Absent: []uint32{1, 2}},
			},
		}},
		TagColumns: []*whowhenv1.TagColumns{{Tag: "vip", Cids: cids(bertHex), TimeUnixMillis: []int64{day}}},
		ProfileColumns: []*whowhenv1.ProfileColumns{{Cids: cids(bertHex), TimeUnixMillis: []int64{day}, Set: []*whowhenv1.Column{
			{Name: "age", Kind: &whowhenv1.Column_Numbers{Numbers: &whowhenv1.NumberColumn{Values: []float64{30}}}},
			{Name: "city", Kind: &whowhenv1.Column_Values{Values: &whowhenv1.ValueColumn{Values: []*whowhenv1.Value{text("Ulm")}}}},
		}}},
	})
	if byRow.Accepted != byColumn.Accepted || len(byColumn.Rejects) != 1 || byColumn.Rejects[0].Reason != byRow.Rejects[0].Reason || byColumn.Rejects[0].Index != 2 {
		t.Errorf("by row %v, by column %v", byRow, byColumn)
	}
	for _, expression := range []string{
		"everyone", `did("buy")`, `count("buy") = 2`, `sum("buy.amount") = 12.75`, `did("buy" where kind = "shoes")`,
		`did("buy" where amount > 12.4)`, `tag("vip")`, `age = 30`, `city = "Ulm" and not did("buy")`, `city exists`,
	} {
		var answers [2]*whowhenv1.CountResponse
		for i, app := range []string{"", "columns"} {
			r, err := c.audience.Count(t.Context(), connect.NewRequest(&whowhenv1.CountRequest{App: app, Expression: expression, Read: &whowhenv1.Read{AtLeastPosition: 1}}))
			if err != nil {
				t.Fatalf("%s: %v", expression, err)
			}
			answers[i] = r.Msg
		}
		if answers[0].Count != answers[1].Count || answers[0].Count == 0 || len(answers[0].Warnings)+len(answers[1].Warnings) > 0 {
			t.Errorf("%s: by row %v, by column %v", expression, answers[0], answers[1])
		}
	}
}

func TestCIDsThatCannotBePacked(t *testing.T) {
	c := newClients(InProcess(newServer(t, Options{}).Handler()), "http://any")
	written := c.write(t, &whowhenv1.WriteRequest{Records: []*whowhenv1.Record{event(&whowhenv1.Event{Cid: "anna", Name: "open"})}})
	_, _, _, err := c.selectAll(t, &whowhenv1.SelectRequest{Expression: "everyone", Packed: true, Read: &whowhenv1.Read{AtLeastPosition: written.Position}})
	if code, info := infoOf(t, err); code != connect.CodeFailedPrecondition || info.Reason != "CID_NOT_PACKABLE" {
		t.Errorf("%v %v", code, info)
	}
}

func TestDeadlineOfTheCaller(t *testing.T) {
	url := listen(t, newServer(t, Options{}))
	status, got := post(t, url+"/whowhen.v1.AudienceService/Count", `{"expression":"everyone","read":{"atLeastPosition":"9"}}`, "Connect-Timeout-Ms", "20")
	if status != http.StatusGatewayTimeout || !strings.Contains(got, `"reason":"DEADLINE_EXCEEDED"`) {
		t.Errorf("%d %s", status, got)
	}
}
