using System.Globalization;
using System.Net.Mime;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using Profiles.Data;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Http;

/// <summary>Configures the server, and what every answer has whatever the slice: hosts, headers, methods.</summary>
static class Pipeline
{
    const string DenyAll = "default-src 'none'; frame-ancestors 'none'";

    static readonly string[] Addresses = ["urls", "http_ports", "https_ports"];

    /// <summary>Listens on port 8000 unless configured otherwise, and does not name itself in answers.</summary>
    public static void ConfigureServer(this WebApplicationBuilder builder)
    {
        var configuration = builder.Configuration;
        if (Addresses.All(k => string.IsNullOrEmpty(configuration[k])) && !configuration.GetSection("Kestrel:Endpoints").Exists())
            builder.WebHost.UseUrls("http://localhost:8000");
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // A mobile connection stalls in a tunnel; BodyDeadline limits the time of the whole body.
            kestrel.Limits.MinRequestBodyDataRate = null;
        });
        // UseAllowedHosts answers with a problem; the framework's filter would answer first, with a page.
        builder.Services.PostConfigure<HostFilteringOptions>(o => o.AllowedHosts = ["*"]);
        builder.Services.AddOptions<HostOptions>()
            .Configure<IOptions<ServiceOptions>>((host, service) => host.ShutdownTimeout = service.Value.ShutdownTimeout);
        // Finds a misuse of scopes at the start, in every environment.
        builder.Host.UseDefaultServiceProvider(o => o.ValidateOnBuild = o.ValidateScopes = true);
        builder.Services.AddHttpContextAccessor().AddScoped<CurrentUser>().AddSingleton(TimeProvider.System);
        builder.Services.AddForwardedAddresses().AddCors();
        builder.Services.AddSection<CrossOriginOptions>("Cors")
            .Validate(
                o => o.List.All(a => HttpAddressAttribute.Is(a, mayHavePath: false)),
                "Cors__Origins must be origins such as https://app.example.com, separated by commas.");
        builder.Services.AddOptions<Microsoft.AspNetCore.Cors.Infrastructure.CorsOptions>()
            .Configure<IOptions<CrossOriginOptions>>((cors, origins) => cors.AddDefaultPolicy(p => p
                .WithOrigins(origins.Value.List).AllowAnyHeader().AllowAnyMethod()
                .WithExposedHeaders("ETag", "Idempotency-Replayed", "Location", "Retry-After", "WWW-Authenticate")));
    }

    /// <summary>Throws <see cref="StartException"/> unless the configured addresses to listen on are valid.</summary>
    public static void ValidateAddresses(this WebApplication app)
    {
        var urls = app.Configuration["urls"] ?? "";
        foreach (var endpoint in app.Configuration.GetSection("Kestrel:Endpoints").GetChildren())
        {
            if (!IsAddress(endpoint["Url"] ?? ""))
                throw new StartException($"Kestrel__Endpoints__{endpoint.Key}__Url must be an address such as http://localhost:8000.");
        }
        if (!urls.Split(';', StringSplitOptions.RemoveEmptyEntries).All(IsAddress))
            throw new StartException("ASPNETCORE_URLS must be addresses such as http://localhost:8000, separated by semicolons.");
        foreach (var ports in urls.Length > 0 ? [] : Addresses[1..])
        {
            if (!ExtraListeners.Parts(app.Configuration, ports).All(p => ushort.TryParse(p, CultureInfo.InvariantCulture, out _)))
                throw new StartException($"ASPNETCORE_{ports.ToUpperInvariant()} must be ports, separated by semicolons.");
        }
    }

    static bool IsAddress(string url)
    {
        try
        {
            return BindingAddress.Parse(url) is { Scheme: "http" or "https", Port: >= 0 and <= 65535 };
        }
        catch (FormatException)
        {
            return false;
        }
    }

    /// <summary>Serves until the host stops.</summary>
    public static async Task ServeAsync(this WebApplication app)
    {
        var listeners = app.ListenOnExtraPorts();
        var database = app.Services.GetRequiredService<DatabaseStart>();
        try
        {
            await app.RunAsync();
        }
        catch (IOException e) when (e.InnerException is AddressInUseException)
        {
            throw new StartException($"The address to listen on ({listeners.SettingOf(e)}) is in use already.");
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressNotAvailable)
        {
            throw new StartException($"{listeners.SettingOf(e)} must be an address of this machine.");
        }
        if (database.Failure is { } failure)
            throw failure;
    }

    /// <summary>Sets the security headers of every answer, errors included. A header that an endpoint sets itself stays.</summary>
    public static IApplicationBuilder UseSafeHeaders(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        context.Response.OnStarting(() =>
        {
            var headers = context.Response.Headers;
            headers.XContentTypeOptions = "nosniff";
            if (StringValues.IsNullOrEmpty(headers["Referrer-Policy"]))
                headers["Referrer-Policy"] = "no-referrer";
            if (StringValues.IsNullOrEmpty(headers.ContentSecurityPolicy))
                headers.ContentSecurityPolicy = DenyAll;
            if (StringValues.IsNullOrEmpty(headers.CacheControl))
                headers.CacheControl = "no-store";
            // RFC 9110, 15.5.2: every 401 has a challenge, a failed login's too.
            if (context.Response.StatusCode == StatusCodes.Status401Unauthorized && StringValues.IsNullOrEmpty(headers.WWWAuthenticate))
                headers.WWWAuthenticate = "Bearer";
            // RFC 5789, 2.2: names the accepted patch format.
            if (context.Response.StatusCode == StatusCodes.Status415UnsupportedMediaType && HttpMethods.IsPatch(context.Request.Method))
                headers["Accept-Patch"] = MediaType.MergePatch;
            if (context.Request.IsHttps)
                headers.StrictTransportSecurity = "max-age=31536000";
            // The answer depends on Origin, also when it is absent: a cache must not mix the two.
            headers.Append("Vary", "Origin");
            return Task.CompletedTask;
        });
        return next(context);
    });

    /// <summary>Answers 400 to a host name that is not allowed, so that a forged one gets into no answer.</summary>
    /// <param name="app">The pipeline.</param>
    /// <param name="exemptPaths">
    /// Paths that are served under every name, as ports of their own are: orchestrators use the pod's own address, a service's name or
    /// none, and these answers contain no address to forge.
    /// </param>
    public static IApplicationBuilder UseAllowedHosts(this WebApplication app, IReadOnlyList<string> exemptPaths)
    {
        var service = app.Services.GetRequiredService<IOptions<ServiceOptions>>().Value;
        string[]? names = service switch
        {
            { AllowedHostList: { } list } => list,
            { PublicBaseUrl: { } url } when !app.Environment.IsDevelopment() => [new Uri(url).Host, "localhost", "127.0.0.1", "[::1]"],
            _ => null,
        };
        // Clients send letters beyond ASCII as punycode (RFC 5891).
        StringSegment[]? allowed = names is null || names.Contains("*")
            ? null : [.. names.Select(n => new StringSegment(new HostString(n).ToUriComponent()))];
        return app.Use((context, next) =>
        {
            if (context.Features.Get<ExtraListener>() is not null
                || exemptPaths.Contains(context.Request.Path.Value?.TrimEnd('/'), StringComparer.OrdinalIgnoreCase))
                return next(context);
            // The raw header: Request.Host decodes it, and throws on malformed punycode.
            var host = context.Request.Headers.Host.ToString();
            if (allowed is null ? IsReadable(host) : HostString.MatchesAny(new HostString(host).Host, allowed))
                return next(context);
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return Task.CompletedTask;
        });
    }

    static bool IsReadable(string host)
    {
        try
        {
            return HostString.FromUriComponent(host) is var _;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <summary>
    /// Serves below the path of <c>PublicBaseUrl</c> as well as at the root: a proxy may pass that path on or strip it. Either way an
    /// answer's <c>Location</c> is below it.
    /// </summary>
    public static IApplicationBuilder UseBasePath(this WebApplication app)
    {
        var path = app.Services.GetRequiredService<IOptions<ServiceOptions>>().Value.BasePath;
        if (path.Length == 0)
            return app;
        return app.UsePathBase(path).Use((context, next) =>
        {
            context.Response.OnStarting(() =>
            {
                if (context.Response.Headers.Location is [['/', ..] location] && !location.StartsWith("//", StringComparison.Ordinal))
                    context.Response.Headers.Location = path + location;
                return Task.CompletedTask;
            });
            return next(context);
        });
    }

    /// <summary>Routes HEAD as GET (RFC 9110, 9.3.2); the server leaves the body out.</summary>
    public static IApplicationBuilder UseHead(this IApplicationBuilder app) =>
        app.Use((context, next) => HttpMethods.IsHead(context.Request.Method) ? AsGetAsync(context, next) : next(context));

    static async Task AsGetAsync(HttpContext context, RequestDelegate next)
    {
        context.Request.Method = HttpMethods.Get;
        context.Response.OnStarting(() =>
        {
            context.Request.Method = HttpMethods.Head;
            return Task.CompletedTask;
        });
        await next(context);
        context.Request.Method = HttpMethods.Head;
    }

    /// <summary>Hides the list of all endpoints that FastEndpoints maps for its tests.</summary>
    public static IApplicationBuilder UseHiddenTestRoute(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        if (!context.Request.Path.StartsWithSegments("/_test_url_cache_", StringComparison.OrdinalIgnoreCase))
            return next(context);
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    });

    /// <summary>
    /// Answers 415 to a body without a media type or with one that the route does not accept; routing alone accepts what it cannot parse.
    /// After it the header is in the framework's spelling and without a charset: text is UTF-8 whatever the client declared.
    /// </summary>
    public static IApplicationBuilder UseDeclaredMediaTypes(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<IAcceptsMetadata>() is not { } accepts)
            return next(context);
        if (DeclaredType(context) is not { } declared || !accepts.ContentTypes.Contains(declared.Name, StringComparer.OrdinalIgnoreCase))
        {
            context.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return Task.CompletedTask;
        }
        context.Request.ContentType = declared.ToString();
        return next(context);
    });

    // Proxies drop the body of a DELETE together with its type; the route then reports what is missing.
    static MediaType? DeclaredType(HttpContext context) =>
        string.IsNullOrWhiteSpace(context.Request.ContentType) && HttpMethods.IsDelete(context.Request.Method) && !HasBody(context)
            ? new(MediaTypeNames.Application.Json, null)
            : MediaType.Read(context.Request.ContentType);

    static bool HasBody(HttpContext context) =>
        context.Request.ContentLength is not 0 && context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody is not false;
}
