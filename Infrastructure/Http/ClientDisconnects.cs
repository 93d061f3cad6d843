using Microsoft.AspNetCore.Connections;

namespace Profiles.Infrastructure.Http;

/// <summary>
/// Tells the server that a connection is gone when the read of a body has found it out: it would try to read the rest, fail, and log that as an error of ours.
/// </summary>
static class ClientDisconnects
{
    /// <summary>Before whatever reads a body.</summary>
    public static IApplicationBuilder UseClientDisconnects(this IApplicationBuilder app) => app.Use((context, next) =>
    {
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
