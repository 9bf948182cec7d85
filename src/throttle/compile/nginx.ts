/** Where nginx finds the decision server, and the web server behind it. */
export type NginxPlan = {
  /** `unix:/PATH` or `HOST:PORT`. */
  readonly decision: string;
  readonly bind: string;
  /** `HOST:PORT`. */
  readonly server: string;
};

/**
 * The part of a configuration with which nginx asks the service before it serves (ngx_http_auth_request_module). A
 * service that is away lets everybody pass. Requests are counted this way; bytes have to be told to the service.
 */
export function compileNginx({ decision, bind, server }: NginxPlan): ReadonlyMap<string, string> {
  const text = `# Written by "postern throttle compile nginx"; include it within http { }.
upstream postern_throttle {
    server ${decision};
    keepalive 64;
}

server {
    listen ${bind};

    location = /_postern_throttle {
        internal;
        proxy_pass http://postern_throttle/c/$host/$remote_addr;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header X-Original-Method $request_method;
        proxy_set_header X-Original-URI $request_uri;
        proxy_pass_request_body off;
        proxy_set_header Content-Length "";
        proxy_connect_timeout 50ms;
        proxy_read_timeout 50ms;
    }

    location / {
        auth_request /_postern_throttle;
        auth_request_set $postern_retry $upstream_http_retry_after;
        # auth_request knows no other refusal than 403.
        error_page 403 =429 @postern_limited;
        # The service is away: everybody passes.
        error_page 500 = @postern_open;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_pass http://${server};
    }

    location @postern_limited {
        add_header Retry-After $postern_retry always;
        add_header Cache-Control no-store always;
        default_type text/plain;
        return 429 "Too many requests. Please come back later.\\n";
    }

    location @postern_open {
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_pass http://${server};
    }
}
`;
  return new Map([['postern-throttle.conf', text]]);
}
