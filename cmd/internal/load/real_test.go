package load

import (
	"strings"
	"testing"
	"time"
)

// The figures are those of the data sets' own descriptions.
func TestOnlineRetail(t *testing.T) {
	job := Job{
		Kind: Events, Files: []string{sharedData(t, "online_retail.csv.gz")}, Event: "purchase", Zone: london(t), Clock: SystemClock(),
		Map: []Pair{{"cid", "CustomerID"}, {"time", "InvoiceDate"}}, Set: []Pair{{"amount", "Quantity*UnitPrice"}},
	}
	fake := &fakeIngest{}
	sum, err := Run(t.Context(), fake.serve(t), job, nil)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Rows != 541_909 || sum.RejectedBy["CID_EMPTY"] != 135_080 || sum.Accepted != 406_829 || len(sum.Warnings) != 1 || !strings.Contains(sum.Warnings[0], "cells are numbers") {
		t.Errorf("summary %+v", sum)
	}
	want := `purchase 17850.0 @2010-12-01T08:26:00Z Country="United Kingdom" Description="WHITE HANGING HEART T-LIGHT HOLDER" Quantity=6 UnitPrice=2.55 amount=15.3`
	if fake.rows[0] != want {
		t.Errorf("the first row is %s", fake.rows[0])
	}
	if last := fake.rows[len(fake.rows)-1]; !strings.Contains(last, "@2011-12-09T12:50:00Z") {
		t.Errorf("the last row is %s", last)
	}
	cids := map[string]bool{}
	for _, line := range fake.rows {
		cids[strings.Fields(line)[1]] = true
	}
	if len(cids) != 4372 {
		t.Errorf("%d customers", len(cids))
	}
	job.Where = "CustomerID exists and Quantity > 0"
	if sum, err = Run(t.Context(), discard{}, job, nil); err != nil || sum.Rejected != 0 || sum.Accepted != 397_924 {
		t.Errorf("with --where: %+v, %v", sum, err)
	}
}

func TestTelcoChurn(t *testing.T) {
	job := Job{
		Kind: Profiles, Files: []string{sharedData(t, "telco_churn.csv.gz")}, Zone: time.UTC, Clock: SystemClock(), Map: []Pair{{"cid", "customerID"}},
	}
	sum, err := Run(t.Context(), discard{}, job, nil)
	if err != nil || sum.Accepted != 7043 || len(sum.Warnings) != 1 || !strings.Contains(sum.Warnings[0], `11 of 7043 cells are text, such as " "`) {
		t.Errorf("Run = %+v, %v", sum, err)
	}
	job.Types = []Pair{{"TotalCharges", "number"}}
	if sum, err = Run(t.Context(), discard{}, job, nil); err != nil || sum.RejectedBy["TYPE_MISFIT"] != 11 {
		t.Errorf("with --type: %+v, %v", sum, err)
	}
}

func TestGitCommits(t *testing.T) {
	fake := &fakeIngest{}
	job := Job{
		Kind: Events, Files: []string{sharedData(t, "git_commits.csv.gz")}, Event: "commit", Zone: time.UTC, Clock: SystemClock(), TimeUnit: "s",
		Map: []Pair{{"cid", "user_id"}, {"time", "ts_unix"}, {"offset", "tz_offset_min"}}, Where: "is_bot = 0 and is_merge = 0",
	}
	sum, err := Run(t.Context(), fake.serve(t), job, nil)
	if err != nil || sum.Skipped == 0 || sum.Rejected != 0 {
		t.Fatalf("Run = %+v, %v", sum, err)
	}
	if want := `commit 1 @2005-01-01T16:14:15Z offset:0 is_bot=0 is_merge=0 repo="rails/rails"`; fake.rows[0] != want {
		t.Errorf("the first row is %s", fake.rows[0])
	}
}

func TestCampaigns(t *testing.T) {
	fake := &fakeIngest{}
	job := Job{
		Kind: Tags, Files: []string{sharedData(t, "completejourney_campaigns.csv.gz")}, Zone: time.UTC, Clock: SystemClock(),
		Map: []Pair{{"cid", "household_id"}, {"tag", "campaign_id"}},
	}
	sum, err := Run(t.Context(), fake.serve(t), job, nil)
	if err != nil || sum.Accepted != 6589 || len(fake.last.TagColumns) != 27 {
		t.Errorf("Run = %+v, %v", sum, err)
	}
}
