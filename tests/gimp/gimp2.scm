; SPDX-License-Identifier: GPL-3.0-or-later
;
; The words of GIMP 2.10 for common.scm and test-gimp.py.

(define (image-width image) (car (gimp-image-width image)))
(define (image-height image) (car (gimp-image-height image)))
(define (image-base-type image) (car (gimp-image-base-type image)))
(define (drawable-width drawable) (car (gimp-drawable-width drawable)))
(define (drawable-height drawable) (car (gimp-drawable-height drawable)))
(define (drawable-offsets drawable) (gimp-drawable-offsets drawable))

(define (image-valid image)
  (car (gimp-image-is-valid image)))

(define (file-load path)
  (car (gimp-file-load RUN-NONINTERACTIVE path path)))

(define (tiff-save image path)
  (gimp-file-save RUN-NONINTERACTIVE image (first-layer image) path path))

(define (new-image width height type precision)
  (car (gimp-image-new-with-precision width height type precision)))

(define (new-layer image)
  (car (gimp-layer-new image (image-width image) (image-height image) RGB-IMAGE "layer" 100
                       LAYER-MODE-NORMAL)))

(define (new-text image text)
  (let ((layer (car (gimp-text-layer-new image text "Sans" 20 PIXELS))))
    (gimp-image-insert-layer image layer 0 0)
    layer))

(define (is-text layer)
  (car (gimp-item-is-text-layer layer)))

(define (new-group image name)
  (let ((group (car (gimp-layer-group-new image))))
    (gimp-item-set-name group name)
    group))

(define (new-channel image name)
  (car (gimp-channel-new image (image-width image) (image-height image) name 50 '(255 0 0))))

(define (new-path image name points)
  (let ((path (car (gimp-vectors-new image name))))
    (gimp-image-insert-vectors image path 0 0)
    (gimp-vectors-stroke-new-from-points path VECTORS-STROKE-TYPE-BEZIER (vector-length points) points
                                         FALSE)))

(define (path-facts image)
  (map (lambda (path)
         (map (lambda (stroke) (caddr (gimp-vectors-stroke-get-points path stroke)))
              (ids (gimp-vectors-get-strokes path))))
       (ids (gimp-image-get-vectors image))))

(define (convert-indexed image)
  (gimp-image-convert-indexed image CONVERT-DITHER-NONE CONVERT-PALETTE-GENERATE 16 FALSE FALSE ""))

; layers: a list; 2.10 knows one active layer, or none.
(define (upscale image layers scale model scope)
  (plug-in-atelier-upscale RUN-NONINTERACTIVE image (if (null? layers) -1 (car layers)) scale model 0
                           (if (eq? scope 'layers) 1 0)))

; Asks the user.
(define (upscale-interactively image)
  (plug-in-atelier-upscale RUN-INTERACTIVE image (first-layer image) 0 "" 0 0))

(define (upscale-again image)
  (plug-in-atelier-upscale RUN-WITH-LAST-VALS image (first-layer image) 0 "" 0 0))

(define (float image layer)
  (gimp-selection-float layer 0 0))

(define (more-attributes layer)
  (gimp-item-get-linked layer))

(define (set-more-attributes layer)
  (gimp-item-set-linked layer TRUE))
