using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Profiles.Infrastructure.Http;

/// <summary>
/// Aborts a request whose client disconnected while its body was read: the server would otherwise try to read the rest, fail, and log that
/// as an error.
/// </summary>
static class ClientDisconnects
{
    /// <summary>Before every middleware that reads a body.</summary>
    public static IApplicationBuilder UseClientDisconnects(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false })
            return next(context);
        context.Request.Body = new Body(context.Request.Body, context);
        return next(context);
    });

    sealed class Body(Stream inner, HttpContext context) : ReadOnlyStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                return await inner.ReadAsync(buffer, cancellationToken);
            }
            catch (ConnectionResetException)
            {
                context.Abort();
                throw;
            }
        }
    }
}
