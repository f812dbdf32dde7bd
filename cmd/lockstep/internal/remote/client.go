package remote

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/lockstep-sync/lockstep/topics"
)

// Bounds of one request.
const (
	dialTimeout    = 5 * time.Second
	requestTimeout = 30 * time.Second // without a wait; past it the server counts as unreachable
	maxAnswer      = 256 << 20        // of one answer; past it the rest is not read
)

// Options say which server, and as whom.
type Options struct {
	URL    string // http://host:port
	Token  string // sent as Authorization: Bearer; empty: none
	User   string // for servers in development mode; empty: theirs to choose
	Tenant string // likewise
}

// Client speaks to one server. It is safe for concurrent use.
type Client struct {
	base  *url.URL
	query url.Values
	token string
	http  *http.Client
}

// New checks the options. It connects to nothing.
func New(o Options) (*Client, error) {
	base, err := url.Parse(o.URL)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, topics.Errorf(topics.CodeInvalid, "url", "%q must look like http://127.0.0.1:7001", o.URL)
	}
	c := &Client{base: base, query: url.Values{}, token: o.Token}
	if o.User != "" {
		c.query.Set("user", o.User)
	}
	if o.Tenant != "" {
		if _, err := topics.ParseTenant(o.Tenant); err != nil {
			return nil, err
		}
		c.query.Set("tenant", o.Tenant)
	}
	c.http = &http.Client{Transport: &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout: dialTimeout,
		MaxIdleConnsPerHost: 16,
		IdleConnTimeout:     30 * time.Second, // below the server's
		ForceAttemptHTTP2:   true,
	}}
	return c, nil
}

// Close gives up the connections that nobody uses.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// call is one request.
type call struct {
	method  string
	path    []string // segments after /v1/topics, escaped here
	query   url.Values
	header  http.Header
	body    []byte
	timeout time.Duration // 0: requestTimeout
}

// answer is a response with a status below 300.
type answer struct {
	header http.Header
	body   io.Reader
	close  func()
}

// do sends one request. The caller closes the answer.
func (c *Client) do(ctx context.Context, what call) (*answer, error) {
	if what.timeout == 0 {
		what.timeout = requestTimeout
	}
	limited, cancel := context.WithTimeout(ctx, what.timeout)
	request, err := c.request(limited, what)
	if err != nil {
		cancel()
		return nil, err
	}
	response, err := c.http.Do(request) //nolint:bodyclose // answer.close does it
	if err != nil {
		cancel()
		return nil, c.unreachable(ctx, err)
	}
	a := &answer{header: response.Header, body: io.LimitReader(response.Body, maxAnswer)}
	a.close = func() {
		_ = response.Body.Close() // it was only read from
		cancel()
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		defer a.close()
		return nil, refusal(response.StatusCode, a)
	}
	return a, nil
}

func (c *Client) request(ctx context.Context, what call) (*http.Request, error) {
	target := c.base.JoinPath("v1", "topics")
	for _, segment := range what.path {
		target = target.JoinPath(url.PathEscape(segment))
	}
	query := url.Values{}
	for _, from := range []url.Values{c.query, what.query} {
		maps.Copy(query, from)
	}
	target.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, what.method, target.String(), bytes.NewReader(what.body))
	if err != nil {
		return nil, err
	}
	if what.header != nil {
		request.Header = what.header
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	return request, nil
}

// read reads a whole answer and closes it.
func (c *Client) read(ctx context.Context, a *answer) ([]byte, error) {
	defer a.close()
	body, err := io.ReadAll(a.body)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	return body, nil
}
