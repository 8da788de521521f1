package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// serverFile is DIR/server.json: which server holds DIR. It is written once the server
// listens, before its apps are open, and removed when it ends, so that commands on DIR find the server. A killed
// server leaves it behind, hence the doubts of liveServer.
type serverFile struct {
	PID     int    `json:"pid"`
	Address string `json:"address"`
}

func serverFilePath(dir string) string { return filepath.Join(dir, "server.json") }

// writeServerFile says that this process serves the directory at an address, until Close.
func (m *Main) writeServerFile(url string) error {
	if err := writeServerFile(m.flags.Data, serverFile{PID: os.Getpid(), Address: url}); err != nil {
		return fmt.Errorf("the server's address cannot be written to the data directory: %w", err)
	}
	m.onClose(func() error { return removeFile(serverFilePath(m.flags.Data)) })
	return nil
}

// writeServerFile writes DIR/server.json whole or not at all.
func writeServerFile(dir string, s serverFile) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	temporary := fmt.Sprintf("%s.%d", serverFilePath(dir), s.PID)
	err = os.WriteFile(temporary, append(b, '\n'), 0o644)
	if err == nil {
		err = os.Rename(temporary, serverFilePath(dir))
	}
	if err != nil {
		err = errors.Join(err, removeFile(temporary))
	}
	return err
}

// liveServer returns the server that holds dir, if one answers and is not ending. To be called when somebody
// holds dir. Without the look at the process, a file left by a killed server could lead to a
// server of another directory that has its port now.
func liveServer(ctx context.Context, dir string) *serverFile {
	b, err := os.ReadFile(serverFilePath(dir))
	if err != nil {
		return nil
	}
	var s serverFile
	if json.Unmarshal(b, &s) != nil || s.Address == "" || !processRuns(s.PID) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Address+"/healthz", nil)
	if err != nil {
		return nil
	}
	client := wireClient()
	defer client.CloseIdleConnections()
	answer, err := client.Do(r)
	if err != nil {
		return nil
	}
	answer.Body.Close()
	starting := answer.StatusCode == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") != ""
	if answer.StatusCode != http.StatusOK && !starting {
		return nil
	}
	return &s
}

// dialAddress returns the address at which this machine reaches a listener.
func dialAddress(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return "http://" + a.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}
