using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Http;

/// <summary>Route metadata: how long a request's body may take to arrive.</summary>
sealed record BodyTimeout(TimeSpan Value);

/// <summary>
/// Gives each body a time within which all of it must arrive. Within it a connection may stall, as mobile ones do. The server's minimum
/// data rate would cut those off, and still let an attacker who sends slowly hold on to an upload's resources.
/// </summary>
static class BodyDeadline
{
    /// <summary>Sets the route's own timeout in place of <see cref="ServiceOptions.BodyTimeout"/>.</summary>
    public static RouteHandlerBuilder ArrivesWithin(this RouteHandlerBuilder route, TimeSpan timeout) =>
        route.WithMetadata(new BodyTimeout(timeout)).ProducesProblem(StatusCodes.Status408RequestTimeout);

    /// <summary>Answers 408 to a request whose body does not arrive in time, counted from its headers.</summary>
    public static IApplicationBuilder UseBodyDeadline(this WebApplication app)
    {
        var defaultTimeout = app.Services.GetRequiredService<IOptions<ServiceOptions>>().Value.BodyTimeout;
        return app.Use((context, next) => context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false }
            ? next(context) : WithinAsync(context, next));

        async Task WithinAsync(HttpContext context, RequestDelegate next)
        {
            var timeout = context.GetEndpoint()?.Metadata.GetMetadata<BodyTimeout>()?.Value ?? defaultTimeout;
            using var deadline = new CancellationTokenSource(timeout);
            context.Request.Body = new TimedBody(context.Request.Body, deadline.Token);
            await next(context);
        }
    }

    sealed class TimedBody(Stream body, CancellationToken deadline) : ReadOnlyStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline);
            try
            {
                return await body.ReadAsync(buffer, either.Token);
            }
            catch (OperationCanceledException e) when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                throw new BadHttpRequestException("The body did not arrive in time.", StatusCodes.Status408RequestTimeout, e);
            }
        }
    }
}
