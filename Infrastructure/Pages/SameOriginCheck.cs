using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Pages;

/// <summary>
/// Refuses forms that another site's page sent (cross-site request forgery), by the headers in which browsers name the sender. The
/// service's pages set no cookie and cannot be framed.
/// </summary>
sealed class SameOriginCheck(IOptions<ServiceOptions> service)
{
    /// <summary>Whether one of the service's pages sent the request, or a client that is no browser.</summary>
    public bool Allows(HttpRequest request)
    {
        if (request.Headers["Sec-Fetch-Site"].ToString() is not ("" or "same-origin"))
            return false;
        var own = service.Value.PublicBaseUrl is { } url ? Origin(new(url)) : $"{request.Scheme}://{request.Host}";
        // The request's own host also counts, for a page opened under one of the loopback names.
        var origin = request.Headers.Origin.ToString();
        return origin.Length == 0 || origin == own || origin == $"{request.Scheme}://{request.Host}";
    }

    // As browsers send it: a host name beyond ASCII in punycode, and no path.
    static string Origin(Uri address) => $"{address.Scheme}://{new HostString(address.Authority).ToUriComponent()}";
}
