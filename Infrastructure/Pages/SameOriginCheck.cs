using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Pages;

/// <summary>Tells forms of our own pages from those of other sites (cross-site request forgery): browsers say where a form was sent from, and no page of ours is framed or keeps a cookie.</summary>
sealed class SameOriginCheck(IOptions<ServiceOptions> service)
{
    /// <summary>Whether a page of ours sent the request, or no browser at all.</summary>
    public bool Allows(HttpRequest request)
    {
        if (request.Headers["Sec-Fetch-Site"].ToString() is not ("" or "same-origin"))
            return false;
        var own = service.Value.PublicBaseUrl is { } url ? Origin(new(url)) : $"{request.Scheme}://{request.Host}";
        // Ours is said as well where the page was reached by one of the loopback names.
        return request.Headers.Origin.ToString() is var origin && (origin.Length == 0 || origin == own || origin == $"{request.Scheme}://{request.Host}");
    }

    // As a browser says it: a host name beyond ASCII in punycode, and no path.
    static string Origin(Uri address) => $"{address.Scheme}://{new HostString(address.Authority).ToUriComponent()}";
}
